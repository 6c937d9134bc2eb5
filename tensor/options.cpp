#include "tensor/options.h"

#include <algorithm>

namespace minissl {
namespace {

class Checker final : public OptionVisitor {
 public:
  using OptionVisitor::visit_interval;
  void visit(const char* name, int64_t& value, const char* help) override {
    visit_number(name, value, Range::finite(), help);
  }
  void visit(const char* name, double& value, const char* help) override {
    visit_number(name, value, Range::finite(), help);
  }
  void visit(const char*, bool&, const char*) override {}
  void visit(const char*, std::string&, const char*) override {}
  void visit(const char* name, std::array<double, 2>& values, const char*) override { each(name, values); }
  void visit(const char* name, std::array<double, 3>& values, const char*) override { each(name, values); }

  void visit_number(const char* name, int64_t& value, const Range& range, const char*) override {
    range.check(name, value);
  }
  void visit_number(const char* name, double& value, const Range& range, const char*) override {
    range.check(name, value);
  }
  void visit_number(const char* name, float& value, const Range& range, const char*) override {
    range.check(name, value);
  }
  void visit_interval(const char* name, std::array<double, 2>& value, const Range& range, const char*) override {
    check_interval(name, value, range);
  }
  void visit_numbers(const char* name, std::array<double, 3>& values, const Range& range, const char*) override {
    each(name, values, range);
  }
  void visit_choice(const char* name, int64_t& value, const std::vector<int64_t>& choices, const char*) override {
    Choices texts;
    for (const int64_t choice : choices) texts.push_back(std::to_string(choice));
    check_choice(name, std::to_string(value), texts);
  }
  void visit_choice(const char* name, std::string& value, const Choices& choices, const char*) override {
    check_choice(name, value, choices);
  }
  void visit_text(const char*, std::string& value, const TextCheck& check, const char*) override { check(value); }

 private:
  template <size_t n>
  static void each(const char* name, const std::array<double, n>& values, const Range& range = Range::finite()) {
    for (const double value : values) range.check(name, value);
  }
};

}  // namespace

std::string listed(const std::vector<std::string>& words, const char* conjunction) {
  std::string list;
  for (size_t i = 0; i < words.size(); ++i) {
    if (i > 0) list += i + 1 == words.size() ? fmt::format(" {} ", conjunction) : ", ";
    list += words[i];
  }
  return list;
}

void check_choice(const std::string& option, const std::string& value, const OptionVisitor::Choices& choices) {
  require(std::find(choices.begin(), choices.end(), value) != choices.end(), "`{}` {} is not known; there are {}",
          option, value, listed(choices));
}

void check_interval(const std::string& option, const std::array<double, 2>& value, const Range& range) {
  for (const double end : value) range.check(option, end);
  require(value[0] <= value[1], "`{}` {},{} is empty; it is FROM,TO with FROM at most TO", option, value[0], value[1]);
}

void check_options(const std::function<void(OptionVisitor&)>& visit) {
  Checker checker;
  visit(checker);
}

}  // namespace minissl
