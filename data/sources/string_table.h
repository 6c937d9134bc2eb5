#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace minissl {

/// Many strings in one block of memory: a million file names take their bytes and 8 more each.
class StringTable {
 public:
  size_t size() const { return ends_.size(); }
  void append(std::string_view text) {
    bytes_ += text;
    ends_.push_back(bytes_.size());
  }
  std::string_view operator[](size_t i) const {
    const size_t begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(bytes_).substr(begin, ends_[i] - begin);
  }
  void release_slack() {
    bytes_.shrink_to_fit();
    ends_.shrink_to_fit();
  }

 private:
  std::string bytes_;
  std::vector<uint64_t> ends_;
};

}  // namespace minissl
