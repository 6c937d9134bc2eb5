#include "apps/option_flags.h"

#include <charconv>
#include <fmt/ranges.h>

#include "tensor/error.h"

namespace minissl {
namespace {

class FlagAdder final : public OptionVisitor {
 public:
  FlagAdder(CLI::App& command, const std::string& prefix, std::set<std::string>* given)
      : command_(command), prefix_(prefix), given_(given) {}
  void visit(const char* name, int64_t& value, const char* help) override { add(name, value, help, {}); }
  void visit(const char* name, double& value, const char* help) override { add(name, value, help, {}); }
  void visit(const char* name, std::string& value, const char* help) override { add(name, value, help, {}); }
  void visit(const char* name, bool& value, const char* help) override {
    add_switch(command_, flag(name), value, help, {.given = given_});
  }
  void visit(const char* name, std::array<double, 2>& value, const char* help) override {
    add_list(command_, flag(name), value, help, {.given = given_});
  }
  void visit(const char* name, std::array<double, 3>& value, const char* help) override {
    add_list(command_, flag(name), value, help, {.given = given_});
  }

  void visit_number(const char* name, int64_t& value, const Range& range, const char* help) override {
    add(name, value, help, {.range = range});
  }
  void visit_number(const char* name, double& value, const Range& range, const char* help) override {
    add(name, value, help, {.range = range});
  }
  void visit_number(const char* name, float& value, const Range& range, const char* help) override {
    add(name, value, help, {.range = range});
  }
  void visit_interval(const char* name, std::array<double, 2>& value, const Range& range, const char* help) override {
    add_interval(command_, flag(name), value, help, {.range = range, .given = given_});
  }
  void visit_interval(const char* name, std::array<float, 2>& value, const Range& range, const char* help) override {
    add_interval(command_, flag(name), value, help, {.range = range, .given = given_});
  }
  void visit_numbers(const char* name, std::array<double, 3>& value, const Range& range, const char* help) override {
    add_list(command_, flag(name), value, help, {.range = range, .given = given_});
  }
  void visit_choice(const char* name, int64_t& value, const std::vector<int64_t>& choices, const char* help) override {
    FlagRules rules;
    for (const int64_t choice : choices) rules.one_of.push_back(std::to_string(choice));
    add(name, value, help, rules);
  }
  void visit_choice(const char* name, std::string& value, const Choices& choices, const char* help) override {
    add(name, value, help, {.one_of = choices});
  }
  void visit_text(const char* name, std::string& value, const TextCheck& check, const char* help) override {
    add(name, value, help, {.check = check});
  }

 private:
  std::string flag(const std::string& name) const {
    return has_flag(command_, prefix_ + name) ? "loss-" + name : prefix_ + name;
  }
  template <class T>
  void add(const char* name, T& value, const char* help, FlagRules rules) const {
    rules.given = given_;
    add_flag(command_, flag(name), value, help, rules);
  }

  CLI::App& command_;
  const std::string prefix_;
  std::set<std::string>* given_;
};

class TextWriter final : public OptionVisitor {
 public:
  std::map<std::string, std::string> texts;

  void visit(const char* name, int64_t& value, const char*) override { texts[name] = std::to_string(value); }
  void visit(const char* name, double& value, const char*) override { texts[name] = fmt::format("{}", value); }
  void visit(const char* name, bool& value, const char*) override { texts[name] = value ? "on" : "off"; }
  void visit(const char* name, std::string& value, const char*) override { texts[name] = value; }
  void visit(const char* name, std::array<double, 2>& value, const char*) override { texts[name] = joined(value); }
  void visit(const char* name, std::array<double, 3>& value, const char*) override { texts[name] = joined(value); }

 private:
  template <size_t n>
  static std::string joined(const std::array<double, n>& values) {
    return fmt::format("{}", fmt::join(values, ","));
  }
};

class TextReader final : public OptionVisitor {
 public:
  TextReader(const std::map<std::string, std::string>& texts, const std::string& where)
      : texts_(texts), where_(where) {}

  void visit(const char* name, int64_t& value, const char*) override { read(name, &value, 1); }
  void visit(const char* name, double& value, const char*) override { read(name, &value, 1); }
  void visit(const char* name, bool& value, const char*) override {
    const std::string* text = find(name);
    if (text == nullptr) return;
    require(*text == "on" || *text == "off", "{}: {} is \"{}\", neither on nor off", where_, name, *text);
    value = *text == "on";
  }
  void visit(const char* name, std::string& value, const char*) override {
    if (const std::string* text = find(name)) value = *text;
  }
  void visit(const char* name, std::array<double, 2>& value, const char*) override { read(name, value.data(), 2); }
  void visit(const char* name, std::array<double, 3>& value, const char*) override { read(name, value.data(), 3); }

 private:
  const std::string* find(const char* name) const {
    const auto found = texts_.find(name);
    return found == texts_.end() ? nullptr : &found->second;
  }
  template <class T>
  void read(const char* name, T* values, int count) const {
    const std::string* text = find(name);
    if (text == nullptr) return;
    const char *at = text->data(), *end = at + text->size();
    for (int i = 0; i < count; ++i) {
      const auto [next, error] = std::from_chars(at, end, values[i]);
      require(error == std::errc() && (i + 1 == count ? next == end : next != end && *next == ','),
              "{}: {} is \"{}\", which can't be read as {} number{}", where_, name, *text, count, count > 1 ? "s" : "");
      at = next + 1;
    }
  }

  const std::map<std::string, std::string>& texts_;
  const std::string& where_;
};

}  // namespace

void add_option_flags(CLI::App& command, const Visit& visit, const std::string& prefix, std::set<std::string>* given) {
  FlagAdder adder(command, prefix, given);
  visit(adder);
}

std::map<std::string, std::string> option_texts(const Visit& visit) {
  TextWriter writer;
  visit(writer);
  return std::move(writer.texts);
}

void set_options(const Visit& visit, const std::map<std::string, std::string>& texts, const std::string& where) {
  TextReader reader(texts, where);
  visit(reader);
  try {
    check_options(visit);
  } catch (const Error& error) {
    fail("{}: {}", where, error.what());
  }
}

}  // namespace minissl
