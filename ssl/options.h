#pragma once
#include <array>
#include <cstdint>
#include <string>

#include "nn/resnet.h"

namespace minissl {

/// Sees a method's options one by one: a command line adds a flag for each. `name` is the flag's, without dashes.
class OptionVisitor {
 public:
  virtual ~OptionVisitor() = default;
  virtual void visit(const char* name, int64_t& value, const char* help) = 0;
  virtual void visit(const char* name, double& value, const char* help) = 0;
  virtual void visit(const char* name, bool& value, const char* help) = 0;  ///< on or off
  virtual void visit(const char* name, std::string& value, const char* help) = 0;
  virtual void visit(const char* name, std::array<double, 3>& value, const char* help) = 0;
};

/// What every method can be told.
struct SharedOptions {
  double variance_weight = 0;  ///< of VICReg's variance term, on the projections before they are normalised
  std::string bn = "plain";    ///< batch normalisation of the backbone: plain, or split:G, see ResNetOptions::bn_groups

  void visit(OptionVisitor& visitor);
  /// The G of split:G, 1 for plain. Throws Error for anything else.
  int64_t bn_groups() const;
  /// The network with its batch normalisation as said here.
  ResNetOptions applied_to(ResNetOptions network) const;
};

}  // namespace minissl
