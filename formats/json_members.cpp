#include "formats/json_members.h"

#include <nlohmann/json.hpp>
#include <set>

#include "formats/safetensors_header.h"

namespace minissl {
namespace {

using nlohmann::json;

/// Builds one member after the other from the parser's events.
class MemberBuilder final : public nlohmann::json_sax<json> {
 public:
  MemberBuilder(int deepest, const std::string& where, const std::function<void(const std::string&, const json&)>& use)
      : deepest_(deepest), where_(where), use_(use) {}

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& value) override { return add(std::move(value)); }
  bool start_object(size_t) override { return open(json::object()); }
  bool start_array(size_t) override { return open(json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const bool is_new = open_.empty() ? names_.insert(name).second : !open_.back()->contains(name);
    require(is_new, "{}: {} occurs twice in the header", where_, quote(name));
    (open_.empty() ? name_ : inner_name_) = std::move(name);
    return true;
  }

  bool parse_error(size_t byte, const std::string&, const json::exception& error) override {
    constexpr int out_of_range = 406;
    require(error.id != out_of_range, "{}: the header holds a number that is out of range", where_);
    fail("{}: the header is not valid JSON at byte {}", where_, byte);
  }

 private:
  bool add(json value) {
    if (open_.empty())
      use_(name_, value);
    else
      place(std::move(value));
    return true;
  }

  json& place(json value) {
    json& parent = *open_.back();
    if (!parent.is_array()) return parent[inner_name_] = std::move(value);
    parent.push_back(std::move(value));
    return parent.back();
  }

  bool open(json value) {
    require(depth_ < deepest_, "{}: the header is nested deeper than that of a .safetensors file", where_);
    if (depth_++ == 0) return true;
    open_.push_back(open_.empty() ? &(member_ = std::move(value)) : &place(std::move(value)));
    return true;
  }

  bool close() {
    if (--depth_ == 0) return true;
    open_.pop_back();
    if (open_.empty()) use_(name_, member_);
    return true;
  }

  const int deepest_;
  const std::string& where_;
  const std::function<void(const std::string&, const json&)>& use_;
  int depth_ = 0;
  std::set<std::string> names_;    // of the members so far
  std::string name_, inner_name_;  // of the member, and of the value inside it, that come next
  json member_;                    // being built
  std::vector<json*> open_;        // the objects and arrays around the next value, member_ first
};

}  // namespace

void for_each_member(std::string_view text, int deepest, const std::string& where,
                     const std::function<void(const std::string&, const json&)>& use) {
  require(text.starts_with('{'), "{}: is not a .safetensors file: the header does not begin with '{{'", where);
  MemberBuilder builder(deepest, where, use);
  json::sax_parse(text, &builder);
}

}  // namespace minissl
