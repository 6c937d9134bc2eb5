#include "tensor/ops/update.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "tensor/ops/update_functions.h"
#include "tensor/parallel.h"

namespace minissl::ops {
namespace {

constexpr int64_t grain = 16384;

// A copy in bf16 of the first values of an arena.
template <class T>
class Copy {
 public:
  explicit Copy(const Tensor& copy)
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
  Copy<T> copy_, average_copy_;
  T* average_;
  int64_t averaged_;
  EmaStep<T> step_;
};

// What is the same for all elements of an exempt piece, and of another: made from its weight decay.
template <class Step>
struct StepByPiece {
  template <class Make>
  StepByPiece(double weight_decay, Make&& make) : of{make(weight_decay), make(0.0)} {}
  Step operator()(int64_t, const Piece& piece) const { return of[piece.exempt]; }
  Step of[2];
};

template <class F>
void each_piece(const Tensor& pieces, F&& body) {
  const Piece* piece = pieces_in(pieces, DeviceType::cpu);
  parallel_for(pieces.dim(0), grain / Piece::most, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) body(p, piece[p]);
  });
}

// Calls update(step(p, piece), i) for all elements i of all pieces, and does what follows them while they are in the
// cache.
template <class Op, class T, class Step, class Update>
void update_pieces(const Op& op, const T* value, const Step& step_of, const Update& update) {
  const FollowersOnCpu<T> followers(op.followers);
  each_piece(op.pieces, [&](int64_t p, const Piece& piece) {
    const auto step = step_of(p, piece);
#pragma omp simd
    for (int64_t i = piece.begin; i < piece.end; ++i) update(step, i);
    followers.follow(value, piece.begin, piece.end);
  });
}

}  // namespace

void require_one_length(const char* name, const Tensor& updated, std::initializer_list<const Tensor*> others) {
  for (const Tensor* t : others)
    require(t->numel() == updated.numel(), "{}: {} to update {} with; the lengths must agree", name, t->str(),
            updated.str());
}

void require_followers(const char* name, const Tensor& updated, const Followers& followers) {
  const auto require_prefix = [&](const Tensor& follower, DType type, const Tensor& followed, const char* what) {
    if (!follower.defined()) return;
    require(followed.defined() && follower.numel() <= followed.numel() && follower.dtype() == type,
            "{}: {} for a{} of {}; it must be {} and no longer", name, follower.str(), what, followed.str(),
            name_of(type));
  };
  require_prefix(followers.copy, DType::bf16, updated, " copy");
  require_prefix(followers.average, updated.dtype(), updated, "n average");
  require_prefix(followers.average_copy, DType::bf16, followers.average, " copy");
}

void kernel(Reference, const AdamW& op) {
  require_arenas(op, {&op.gradient, &op.m, &op.v});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *m = op.m.mutable_data<T>(), *v = op.v.mutable_data<T>();
    const StepByPiece<AdamWStep<T>> steps(op.weight_decay, [&](double weight_decay) {
      return AdamWStep<T>(op.step.value(), op.lr.value(), op.gradient_scale.value(), weight_decay, op.beta1, op.beta2,
                          op.eps);
    });
    update_pieces(op, value, steps, [=, gradient = op.gradient.data<T>()](const AdamWStep<T>& step, int64_t i) {
      step(gradient[i], m[i], v[i], value[i]);
    });
  });
}

void kernel(Reference, const Sgd& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const StepByPiece<SgdStep<T>> steps(op.weight_decay, [&](double weight_decay) {
      return SgdStep<T>(op.step.value(), op.lr.value(), op.gradient_scale.value(), weight_decay, op.momentum);
    });
    update_pieces(op, value, steps, [=, gradient = op.gradient.data<T>()](const SgdStep<T>& step, int64_t i) {
      step(gradient[i], buffer[i], value[i]);
    });
  });
}

void kernel(Reference, const Lars& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const T* gradient = op.gradient.data<T>();
    const StepByPiece<LarsStep<T>> steps(op.weight_decay, [&](double weight_decay) {
      return LarsStep<T>(op.lr.value(), op.gradient_scale.value(), weight_decay, op.momentum);
    });
    std::vector<LarsSquares> squares(static_cast<size_t>(op.pieces.dim(0)));
    each_piece(op.pieces, [&](int64_t p, const Piece& piece) {
      const LarsStep<T> step = steps(p, piece);
      double of_value = 0, of_update = 0;
#pragma omp simd reduction(+ : of_value, of_update)
      for (int64_t i = piece.begin; i < piece.end; ++i) {
        const auto w = static_cast<double>(value[i]), u = static_cast<double>(step.update(gradient[i], value[i]));
        of_value += w * w;
        of_update += u * u;
      }
      squares[static_cast<size_t>(p)] = {of_value, of_update};
    });
    // Once for each parameter: a wide projector's has ten thousand pieces.
    std::vector<T> ratios(squares.size(), T(1));
    const std::span<const Piece> pieces(pieces_in(op.pieces, DeviceType::cpu), squares.size());
    for (size_t p = 0; p < pieces.size(); ++p) {
      const auto first = static_cast<size_t>(pieces[p].first), last = static_cast<size_t>(pieces[p].last);
      if (p != first || pieces[p].exempt) continue;
      LarsSquares sum;
      for (size_t q = first; q < last; ++q) sum += squares[q];
      std::fill(ratios.begin() + pieces[p].first, ratios.begin() + pieces[p].last, static_cast<T>(sum.ratio(op.trust)));
    }
    const auto adapted = [&](int64_t p, const Piece& piece) {
      return std::pair(steps(p, piece), ratios[static_cast<size_t>(p)]);
    };
    update_pieces(op, value, adapted,
                  [=](const auto& step, int64_t i) { step.first(step.second, gradient[i], buffer[i], value[i]); });
  });
}

void kernel(Reference, const Ema& op) {
  require_one_length(op.name, op.target, {&op.source});
  require_followers(op.name, op.target, {.copy = op.copy});
  visit_arithmetic(op.target.dtype(), [&](auto type) {
    using T = decltype(type);
    T* target = op.target.mutable_data<T>();
    const T* source = op.source.data<T>();
    const EmaStep<T> step(op.momentum.value());
    const Copy<T> copy(op.copy);
    parallel_for(op.target.numel(), grain, [&](int64_t begin, int64_t end) {
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
    parallel_for(op.target.numel(), grain, [&](int64_t begin, int64_t end) {
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
    std::vector<double> partial(static_cast<size_t>((count + grain - 1) / grain));
    for_blocks(count, grain, [&](int64_t block, int64_t begin, int64_t end) {
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = begin; i < end; ++i) sum += static_cast<double>(values[i]) * static_cast<double>(values[i]);
      partial[static_cast<size_t>(block)] = sum;
    });
    op.y.mutable_data<double>()[0] = std::accumulate(partial.begin(), partial.end(), 0.0);
  });
}

void kernel(Reference, const GradientScale& op) {
  scale_gradient(*op.squared_norm.data<double>(), static_cast<double>(op.batches), op.clip_norm,
                 *op.norm.mutable_data<double>(), *op.scale.mutable_data<double>());
}

}  // namespace minissl::ops
