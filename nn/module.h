#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "autograd/variable.h"
#include "nn/converted_copy.h"

namespace minissl {

/// How a tensor of a module's state is laid out in files, which use PyTorch's layouts.
enum class FileLayout {
  same,
  oihw,       ///< (O, H, W, I) here, (O, I, H, W) in files: convolution weights
  transposed  ///< (A, B) here, (B, A) in files: the queue
};

/// A named tensor of a module's state: a learned parameter, or a buffer, which is not learned.
struct StateEntry {
  std::string name;               ///< full path: "layer1.0.bn1.running_mean"
  Variable* parameter = nullptr;  ///< or
  Tensor* buffer = nullptr;
  FileLayout layout = FileLayout::same;
  std::shared_ptr<ConvertedCopy>* converted = nullptr;  ///< for a parameter that is also used in bf16

  const Tensor& tensor() const { return parameter ? parameter->value() : *buffer; }
  void set_tensor(Tensor tensor) const;
};

/// During its lifetime, this thread creates parameters and buffers of modules on `device`.
class DeviceScope {
 public:
  explicit DeviceScope(Device device) : previous_(current_) { current_ = device; }
  ~DeviceScope() { current_ = previous_; }
  DeviceScope(const DeviceScope&) = delete;
  DeviceScope& operator=(const DeviceScope&) = delete;
  static Device current() { return current_; }

 private:
  Device previous_;
  static inline thread_local Device current_;
};

/// A part of a network: it owns named parameters and buffers and may contain other modules. They are ordinary C++
/// members, registered with the add_ functions in the constructor; names and order are those of PyTorch's state_dict().
class Module {
 public:
  Module() = default;
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Parameters and buffers of this module and all below it.
  std::vector<StateEntry> state(const std::string& prefix = "");
  /// Only the parameters.
  std::vector<StateEntry> parameters(const std::string& prefix = "");
  int64_t parameter_count();

  /// Training mode, the default: batch normalisation uses and tracks the batch's statistics.
  virtual void train(bool on = true);
  void eval() { train(false); }
  bool training() const { return training_; }

  /// Converts every floating-point parameter and buffer.
  void to(DType dtype);
  /// Redraws all parameters, each from (seed, its name) alone, by the rules of PyTorch's modules and torchvision.
  void initialize(uint64_t seed, const std::string& prefix = "");

  /// Registers a module as part of this one, which it must outlive. The names in a child without a name get no prefix;
  /// a plain Module with children is a namespace.
  void add_child(std::string name, Module& child);

 protected:
  void add_parameter(std::string name, Variable& parameter, FileLayout layout = FileLayout::same,
                     std::shared_ptr<ConvertedCopy>* converted = nullptr);
  void add_buffer(std::string name, Tensor& buffer, FileLayout layout = FileLayout::same);
  /// Draws this module's own parameters; `path`, its name, also seeds the draw.
  virtual void initialize_own(uint64_t /*seed*/, const std::string& /*path*/) {}

 private:
  struct Child {
    std::string name;
    Module* module;
  };
  void for_each_module(const std::string& path, const std::function<void(Module&, const std::string&)>& f);

  std::vector<StateEntry> own_;
  std::vector<Child> children_;
  bool training_ = true;
};

/// During its lifetime, a module is in evaluation mode and nothing is recorded.
class EvaluationScope {
 public:
  explicit EvaluationScope(Module& module) : module_(module), was_training_(module.training()) { module.eval(); }
  ~EvaluationScope() { module_.train(was_training_); }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  Module& module_;
  bool was_training_;
  NoGradScope no_grad_;
};

}  // namespace minissl
