#pragma once
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace minissl {

/// Visits the options of a method, a backbone or an optimizer; a command line adds a flag for each. `name` is the
/// option's name, with hyphens between words.
///
/// The libraries' messages put option names in backquotes ("`temperature` must be above 0"); a program with flags shows
/// them as flags.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void visit(const char* name, int64_t& value, const char* help) = 0;
  virtual void visit(const char* name, double& value, const char* help) = 0;
  virtual void visit(const char* name, bool& value, const char* help) = 0;  ///< on or off
  virtual void visit(const char* name, std::string& value, const char* help) = 0;
  virtual void visit(const char* name, std::array<double, 2>& value, const char* help) = 0;
  virtual void visit(const char* name, std::array<double, 3>& value, const char* help) = 0;

  /// Options with a few possible values: a command line refuses others before any work.
  virtual void visit_choice(const char* name, int64_t& value, std::initializer_list<int64_t> /*choices*/,
                            const char* help) {
    visit(name, value, help);
  }
  virtual void visit_choice(const char* name, std::string& value, std::initializer_list<const char*> /*choices*/,
                            const char* help) {
    visit(name, value, help);
  }
};

}  // namespace minissl
