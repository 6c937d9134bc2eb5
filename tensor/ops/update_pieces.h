#pragma once
#include <algorithm>
#include <vector>

#include "tensor/ops/update_functions.h"
#include "tensor/parallel.h"

/// Optimizers' updates of an arena on the CPU, piece by piece (tensor/pieces.h); internal.
namespace minissl::ops {

inline constexpr int64_t update_grain = 16384;  ///< elements

/// A copy in bf16 of the first values of an arena.
template <class T>
class CopyOnCpu {
 public:
  explicit CopyOnCpu(const Tensor& copy)
      : to_(copy.defined() ? copy.mutable_data<bfloat16>() : nullptr), count_(copy.defined() ? copy.numel() : 0) {}
  void write(const T* values, int64_t begin, int64_t end) const {
    for (int64_t i = begin; i < std::min(end, count_); ++i) to_[i] = rounded(values[i]);
  }

 private:
  bfloat16* to_;
  int64_t count_;
};

template <class T>
class FollowersOnCpu {
 public:
  explicit FollowersOnCpu(const Followers& followers)
      : copy_(followers.copy),
        average_copy_(followers.average_copy),
        average_(followers.average.defined() ? followers.average.mutable_data<T>() : nullptr),
        averaged_(followers.average.defined() ? followers.average.numel() : 0),
        step_(followers.momentum.value()) {}

  /// After values [begin, end) have been written.
  void follow(const T* values, int64_t begin, int64_t end) const {
    copy_.write(values, begin, end);
#pragma omp simd
    for (int64_t i = begin; i < std::min(end, averaged_); ++i) step_(values[i], average_[i]);
    average_copy_.write(average_, begin, end);
  }

 private:
  CopyOnCpu<T> copy_, average_copy_;
  T* average_;
  int64_t averaged_;
  EmaStep<T> step_;
};

/// An update's Step for each parameter, each constructed once: powers and divisions are not for every piece.
template <class Step>
class StepsByParameter {
 public:
  /// make(const ParameterRates&) gives a Step.
  template <class Op, class Make>
  StepsByParameter(const Op& op, Make&& make) : shared_(!op.rules.defined()) {
    const double step = step_number(op).value();
    const auto add = [&](const RuleRow& rule) {
      steps_.push_back(make(ParameterRates(rule, step, op.lr.scheduled.value(), op.lr.peak.value(),
                                           op.gradient_scale.value(), op.weight_decay.value())));
    };
    if (shared_) {
      add({});
    } else {
      const RuleRow* rows = rules_in(op.rules, DeviceType::cpu).rows;
      std::for_each(rows, rows + op.rules.dim(0), add);
    }
  }
  const Step& of(const Piece& piece) const { return steps_[shared_ ? 0 : static_cast<size_t>(piece.parameter)]; }

 private:
  bool shared_;  // all parameters have the default rule
  std::vector<Step> steps_;
};

/// Calls body(p, piece) for the pieces, from several threads.
template <class F>
void each_piece(const Tensor& pieces, F&& body) {
  const Piece* piece = pieces_in(pieces, DeviceType::cpu);
  parallel_for(pieces.dim(0), update_grain / Piece::most, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) body(p, piece[p]);
  });
}

/// Calls update(step_of(p, piece), i) for all elements i of all pieces that are not frozen, and writes what follows the
/// values while they are in the cache.
template <class Op, class T, class StepOf, class Update>
void update_pieces(const Op& op, const T* value, const StepOf& step_of, const Update& update) {
  const FollowersOnCpu<T> followers(op.followers);
  const Rules rules = rules_in(op.rules, DeviceType::cpu);
  each_piece(op.pieces, [&](int64_t p, const Piece& piece) {
    const int64_t end = piece.end();
    if (!rules.frozen(piece)) {
      const auto step = step_of(p, piece);
#pragma omp simd
      for (int64_t i = piece.begin; i < end; ++i) update(step, i);
    }
    // Of frozen pieces, too: the average still moves towards their values.
    followers.follow(value, piece.begin, end);
  });
}
/// The same for an update whose Step is its parameter's.
template <class Op, class T, class Step, class Update>
void update_pieces(const Op& op, const T* value, const StepsByParameter<Step>& steps, const Update& update) {
  update_pieces(
      op, value, [&](int64_t, const Piece& piece) { return steps.of(piece); }, update);
}

}  // namespace minissl::ops
