#include "tensor/ops/update.h"

#include <numeric>
#include <vector>

#include "tensor/ops/update_pieces.h"

namespace minissl::ops {

void require_one_length(const char* name, const Tensor& updated, std::initializer_list<const Tensor*> others) {
  for (const Tensor* t : others)
    require(t->numel() == updated.numel(), "{}: {} to update {} with; the lengths must agree", name, *t, updated);
}

void require_followers(const char* name, const Tensor& updated, const Followers& followers) {
  const auto require_prefix = [&](const Tensor& follower, DType type, const Tensor& followed, const char* what) {
    if (!follower.defined()) return;
    require(followed.defined() && follower.numel() <= followed.numel() && follower.dtype() == type,
            "{}: {} for a{} of {}; it must be {} and no longer", name, follower, what, followed, name_of(type));
  };
  require_prefix(followers.copy, DType::bf16, updated, " copy");
  require_prefix(followers.average, updated.dtype(), updated, "n average");
  require_prefix(followers.average_copy, DType::bf16, followers.average, " copy");
}

void kernel(Reference, const Ema& op) {
  require_one_length(op.name, op.target, {&op.source});
  require_followers(op.name, op.target, {.copy = op.copy});
  visit_arithmetic(op.target.dtype(), [&](auto type) {
    using T = decltype(type);
    T* target = op.target.mutable_data<T>();
    const T* source = op.source.data<T>();
    const EmaStep<T> step(op.momentum.value());
    const CopyOnCpu<T> copy(op.copy);
    parallel_for(op.target.numel(), update_grain, [&](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) step(source[i], target[i]);
      copy.write(target, begin, end);
    });
  });
}

void kernel(Reference, const Accumulate& op) {
  require_one_length(op.name, op.target, {&op.source});
  visit_arithmetic(op.target.dtype(), [&](auto type) {
    using T = decltype(type);
    T* target = op.target.mutable_data<T>();
    const T* source = op.source.data<T>();
    parallel_for(op.target.numel(), update_grain, [&](int64_t begin, int64_t end) {
#pragma omp simd
      for (int64_t i = begin; i < end; ++i) target[i] += source[i];
    });
  });
}

void kernel(Reference, const SquaredNorm& op) {
  visit_arithmetic(op.x.dtype(), [&](auto type) {
    using T = decltype(type);
    const T* values = op.x.data<T>();
    const int64_t count = op.x.numel();
    const auto square = [](T value) { return static_cast<double>(value) * static_cast<double>(value); };
    std::vector<double> partial(static_cast<size_t>((count + update_grain - 1) / update_grain));
    for_blocks(count, update_grain, [&](int64_t block, int64_t begin, int64_t end) {
      // Several sums side by side: one would wait for each of its additions.
      constexpr int64_t lanes = 16;
      double sums[lanes] = {};
      int64_t i = begin;
      for (; i + lanes <= end; i += lanes)
#pragma omp simd
        for (int64_t lane = 0; lane < lanes; ++lane) sums[lane] += square(values[i + lane]);
      for (; i < end; ++i) sums[0] += square(values[i]);
      partial[static_cast<size_t>(block)] = std::accumulate(sums, sums + lanes, 0.0);
    });
    op.y.mutable_data<double>()[0] = std::accumulate(partial.begin(), partial.end(), 0.0);
  });
}

void kernel(Reference, const GradientScale& op) {
  scale_gradient(*op.squared_norm.data<double>(), static_cast<double>(op.batches), op.clip_norm,
                 *op.norm.mutable_data<double>(), *op.scale.mutable_data<double>());
}

}  // namespace minissl::ops
