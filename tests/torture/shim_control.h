#pragma once
#include "tests/torture/process.h"
#include "tests/torture/shim/record.h"

namespace minissl::torture {

/// A command with the shim loaded into it, and what the shim counted.
class Shim {
 public:
  /// `settings`: the variables of shim/record.h.
  Shim(Command& command, const std::filesystem::path& scratch, const std::map<std::string, std::string>& settings);
  ~Shim();
  Shim(const Shim&) = delete;
  Shim& operator=(const Shim&) = delete;

  const faults::Record& record() const { return *record_; }

 private:
  std::filesystem::path file_;
  faults::Record* record_;
};

}  // namespace minissl::torture
