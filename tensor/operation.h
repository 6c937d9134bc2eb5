#pragma once
#include <cstdint>

#include "tensor/bf16.h"
#include "tensor/dry_run.h"
#include "tensor/profile.h"
#include "tensor/tensor.h"

/// How operations are dispatched.
///
/// An operation is a struct of its arguments, outputs included, with
///   static constexpr const char* name;
///   const Tensor& dispatch() const;   // the tensor whose device and type choose the kernel
/// and one overload of `kernel` per backend that has it:
///   void kernel(Reference, const Op&);  // readable, any floating type, on the CPU: defines what the operation means
///   void kernel(Cpu, const Op&);        // f32, fast
///   void kernel(Cuda, const Op&);       // f32, bf16 and f64, on the tensors' GPU (tensor/cuda/)
/// Optional:
///   double flops() const;             // a member, for profiles: multiplications and additions by definition
///   static constexpr bool any_type = true;  // the reference kernel takes tensors of any type, bf16 included
///   int64_t workspace_bytes(Cpu, const Op&);  // what a kernel allocates for itself while it runs (dry_run.h); or Cuda
/// Overloads are found by the type of the operation, so adding an operation touches no other operation's files.
namespace minissl {

/// Tags of the backends.
struct Reference {};
struct Cpu {};
struct Cuda {};

/// While it lives, operations of this thread run their reference kernels.
class ReferenceScope {
 public:
  ReferenceScope() : previous_(active_) { active_ = true; }
  ~ReferenceScope() { active_ = previous_; }
  ReferenceScope(const ReferenceScope&) = delete;
  ReferenceScope& operator=(const ReferenceScope&) = delete;
  static bool active() { return active_; }

 private:
  bool previous_;
  static inline thread_local bool active_ = false;
};

template <class Op, class Backend>
concept HasKernel = requires(const Op& op) {
  kernel(Backend{}, op);
};

/// Whether an operation has bf16 tensors, which kernels for the CPU cannot compute with.
template <class Op>
bool needs_f32_copies(const Op& op) {
  if constexpr (requires { Op::any_type; })
    return false;
  else
    return holds_bf16(op);
}

/// Calls an operation's kernel: the fast one for f32; the reference for f64, and for f32 where there is no fast one;
/// for bf16 either of them on copies in f32.
template <class Op>
void dispatch(const Op& op) {
  static_assert(HasKernel<Op, Reference>, "every operation has a reference kernel");
  const Tensor& t = op.dispatch();
  if (t.device().type == DeviceType::cuda) {
    if constexpr (HasKernel<Op, Cuda>)
      return kernel(Cuda{}, op);
    else
      fail("{} has no CUDA kernel", Op::name);
  }
  if (needs_f32_copies(op)) return with_f32_copies(op, [](const Op& wide) { dispatch(wide); });
  if constexpr (HasKernel<Op, Cpu>)
    if (t.dtype() == DType::f32 && !ReferenceScope::active()) return kernel(Cpu{}, op);
  kernel(Reference{}, op);
}

/// Tells a dry run what an operation would take.
template <class Op>
void describe(const Op& op, DryRun& dry_run) {
  const Tensor& t = op.dispatch();
  if (t.device().type == DeviceType::cpu && needs_f32_copies(op))
    return with_f32_copies(op, [&](const Op& wide) { describe(wide, dry_run); });
  double flops = 0;
  int64_t workspace = 0;
  if constexpr (requires { op.flops(); }) flops = op.flops();
  if (t.device().type == DeviceType::cuda) {
    if constexpr (requires { workspace_bytes(Cuda{}, op); }) workspace = workspace_bytes(Cuda{}, op);
  } else if constexpr (requires { workspace_bytes(Cpu{}, op); }) {
    if (t.dtype() != DType::f64 && !ReferenceScope::active()) workspace = workspace_bytes(Cpu{}, op);
  }
  dry_run.add(Op::name, flops, workspace);
}

/// Runs an operation. Throws Error for a device for which the operation has no kernel.
template <class Op>
void run(const Op& op) {
  if (DryRun* dry_run = DryRun::active()) [[unlikely]]
    describe(op, *dry_run);
  else if (Profile* profile = Profile::active()) [[unlikely]]
    profile->record(op, [&] { dispatch(op); });
  else
    dispatch(op);
}

}  // namespace minissl
