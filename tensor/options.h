#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tensor/range.h"

namespace minissl {

/// Visits the options of a method, a backbone, an optimizer, an evaluation; a command line adds a flag for each. `name`
/// is the option's name, with hyphens between words.
///
/// Each option states its valid values here, once. Command lines reject other values before any work; constructors call
/// check_options, so that programs without a command line get an Error. Messages of libraries put option names in
/// backquotes ("`temperature` must be above 0"); a program with flags shows them as flags.
class OptionVisitor {
 public:
  using Choices = std::vector<std::string>;
  /// Throws Error for a text that means nothing.
  using TextCheck = std::function<void(const std::string&)>;

  virtual ~OptionVisitor() = default;
  virtual void visit(const char* name, int64_t& value, const char* help) = 0;
  virtual void visit(const char* name, double& value, const char* help) = 0;
  virtual void visit(const char* name, bool& value, const char* help) = 0;  ///< on or off
  virtual void visit(const char* name, std::string& value, const char* help) = 0;
  virtual void visit(const char* name, std::array<double, 2>& value, const char* help) = 0;
  virtual void visit(const char* name, std::array<double, 3>& value, const char* help) = 0;

  // Options that say which values they may have, which all numbers should.
  virtual void visit_number(const char* name, int64_t& value, const Range& /*range*/, const char* help) {
    visit(name, value, help);
  }
  virtual void visit_number(const char* name, double& value, const Range& /*range*/, const char* help) {
    visit(name, value, help);
  }
  virtual void visit_number(const char* name, float& value, const Range& range, const char* help) {
    double wide = value;
    visit_number(name, wide, range, help);
    value = static_cast<float>(wide);
  }
  /// From and to, within a range.
  virtual void visit_interval(const char* name, std::array<double, 2>& value, const Range& /*range*/,
                              const char* help) {
    visit(name, value, help);
  }
  virtual void visit_interval(const char* name, std::array<float, 2>& value, const Range& range, const char* help) {
    std::array<double, 2> wide{value[0], value[1]};
    visit_interval(name, wide, range, help);
    value = {static_cast<float>(wide[0]), static_cast<float>(wide[1])};
  }
  virtual void visit_numbers(const char* name, std::array<double, 3>& value, const Range& /*range*/, const char* help) {
    visit(name, value, help);
  }
  virtual void visit_choice(const char* name, int64_t& value, const std::vector<int64_t>& /*choices*/,
                            const char* help) {
    visit(name, value, help);
  }
  virtual void visit_choice(const char* name, std::string& value, const Choices& /*choices*/, const char* help) {
    visit(name, value, help);
  }
  virtual void visit_text(const char* name, std::string& value, const TextCheck& /*check*/, const char* help) {
    visit(name, value, help);
  }
};

/// "a", "a and b", "a, b and c"
std::string listed(const std::vector<std::string>& words, const char* conjunction = "and");

/// Throws Error, listing the choices, unless the value is one of them.
void check_choice(const std::string& option, const std::string& value, const OptionVisitor::Choices& choices);
/// Throws Error unless both ends are within the range and in order.
void check_interval(const std::string& option, const std::array<double, 2>& value, const Range& range);

/// Throws Error for the first option that has a value it may not have. `visit` calls an object's visit(OptionVisitor&),
/// which changes nothing.
void check_options(const std::function<void(OptionVisitor&)>& visit);

/// The same for an object with options, which it returns: checked in a constructor's first initializer, options are
/// checked before anything is built from them.
template <class Options>
const Options& checked(const Options& options) {
  Options copy = options;
  check_options([&](OptionVisitor& visitor) { copy.visit(visitor); });
  return options;
}

}  // namespace minissl
