#pragma once
#include "tensor/cuda/reduce.h"
#include "tensor/ops/update_functions.h"

/// Optimizers' updates of an arena on a GPU; internal. An update is one launch, however many parameters the arena has:
/// each block updates one piece (tensor/pieces.h) and writes the followers in the same pass.
namespace minissl::cuda {

/// A copy in bf16 of the first values of an arena.
template <class T>
struct CopyOnGpu {
  explicit CopyOnGpu(const Tensor& copy) : to(mutable_data<bfloat16>(copy)), count(copy.defined() ? copy.numel() : 0) {}
  __device__ void write(int64_t i, T value) const {
    if (i < count) to[i] = ops::rounded(value);
  }

  bfloat16* to;
  int64_t count;
};

template <class T>
struct FollowersOnGpu {
  explicit FollowersOnGpu(const ops::Followers& followers)
      : copy(followers.copy),
        average_copy(followers.average_copy),
        average(mutable_data<T>(followers.average)),
        averaged(followers.average.defined() ? followers.average.numel() : 0),
        momentum(followers.momentum) {}
  __device__ void follow(const ops::EmaStep<T>& step, int64_t i, T value) const {
    copy.write(i, value);
    if (i >= averaged) return;
    step(value, average[i]);
    average_copy.write(i, average[i]);
  }

  CopyOnGpu<T> copy, average_copy;
  T* average;
  int64_t averaged;
  NumberOperand momentum;
};

/// The rules of an update and the numbers of its step.
struct RatesOnGpu {
  template <class Op>
  explicit RatesOnGpu(const Op& op)
      : rules(rules_in(op.rules, DeviceType::cuda)),
        step(ops::step_number(op)),
        lr(op.lr.scheduled),
        peak_lr(op.lr.peak),
        gradient_scale(op.gradient_scale),
        weight_decay(op.weight_decay) {}
  __device__ ops::ParameterRates of(const Piece& piece) const {
    return {rules.of(piece), step.get(), lr.get(), peak_lr.get(), gradient_scale.get(), weight_decay.get()};
  }

  Rules rules;
  NumberOperand step, lr, peak_lr, gradient_scale, weight_decay;
};

/// Calls update(step, i) for all elements i of all pieces that are not frozen, and writes what follows `value`, which
/// it updates. The step of a piece is step_of(piece), which all threads of its block call.
template <class Op, class T, class StepOf, class Update>
void update_pieces(const Op& op, T* value, StepOf step_of, Update update) {
  const Piece* pieces = pieces_in(op.pieces, DeviceType::cuda);
  const Rules rules = rules_in(op.rules, DeviceType::cuda);
  const FollowersOnGpu<T> followers(op.followers);
  each_block(op, op.pieces.dim(0), 1, [=] __device__(int64_t p, int64_t) {
    const Piece piece = pieces[p];
    const ops::EmaStep<T> ema(followers.momentum.get());
    if (rules.frozen(piece)) {
      // The average still moves towards frozen values.
      for (int64_t i = piece.begin + threadIdx.x; i < piece.end(); i += block_threads)
        followers.follow(ema, i, value[i]);
      return;
    }
    const auto step = step_of(piece);
    for (int64_t i = piece.begin + threadIdx.x; i < piece.end(); i += block_threads) {
      update(step, i);
      followers.follow(ema, i, value[i]);
    }
  });
}

}  // namespace minissl::cuda
