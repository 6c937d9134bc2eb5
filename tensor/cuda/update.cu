#include "tensor/cuda/reduce.h"
#include "tensor/ops/update_functions.h"

// One launch each, whatever an arena consists of: a block takes a piece (tensor/pieces.h), and writes what follows
// the values while it has them.
namespace minissl::ops {
namespace {

using namespace cuda;

// A copy in bf16 of the first values of an arena.
template <class T>
struct Copy {
  explicit Copy(const Tensor& copy) : to(mutable_data<bfloat16>(copy)), count(copy.defined() ? copy.numel() : 0) {}
  __device__ void write(int64_t i, T value) const {
    if (i < count) to[i] = rounded(value);
  }

  bfloat16* to;
  int64_t count;
};

template <class T>
struct FollowersOnGpu {
  explicit FollowersOnGpu(const Followers& followers)
      : copy(followers.copy),
        average_copy(followers.average_copy),
        average(mutable_data<T>(followers.average)),
        averaged(followers.average.defined() ? followers.average.numel() : 0),
        momentum(followers.momentum) {}
  __device__ void follow(const EmaStep<T>& step, int64_t i, T value) const {
    copy.write(i, value);
    if (i >= averaged) return;
    step(value, average[i]);
    average_copy.write(i, average[i]);
  }

  Copy<T> copy, average_copy;
  T* average;
  int64_t averaged;
  NumberOperand momentum;
};

// Calls update(step, i) for all elements i of all pieces, and does what follows `value`, which it updates. What is the
// same for the elements of a piece is step_of(piece), which all threads of its block call.
template <class Op, class T, class StepOf, class Update>
void update_pieces(const Op& op, T* value, StepOf step_of, Update update) {
  const Piece* pieces = pieces_in(op.pieces, DeviceType::cuda);
  const FollowersOnGpu<T> followers(op.followers);
  each_block(op, op.pieces.dim(0), 1, [=] __device__(int64_t p, int64_t) {
    const Piece piece = pieces[p];
    const auto step = step_of(piece);
    const EmaStep<T> ema(followers.momentum.get());
    for (int64_t i = piece.begin + threadIdx.x; i < piece.end; i += block_threads) {
      update(step, i);
      followers.follow(ema, i, value[i]);
    }
  });
}

template <class T>
void compute(const AdamW& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *m = mutable_data<T>(op.m), *v = mutable_data<T>(op.v);
  update_pieces(
      op, value,
      [=, number = NumberOperand(op.step), lr = NumberOperand(op.lr), scale = NumberOperand(op.gradient_scale),
       decay = op.weight_decay, beta1 = op.beta1, beta2 = op.beta2, eps = op.eps] __device__(const Piece& piece) {
        // Powers in float64 are dear.
        return made_once([&] {
          return AdamWStep<T>(number.get(), lr.get(), scale.get(), piece.exempt ? 0 : decay, beta1, beta2, eps);
        });
      },
      [=] __device__(const AdamWStep<T>& step, int64_t i) { step(gradient[i], m[i], v[i], value[i]); });
}

template <class T>
void compute(const Sgd& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *buffer = mutable_data<T>(op.buffer);
  update_pieces(
      op, value,
      [=, number = NumberOperand(op.step), lr = NumberOperand(op.lr), scale = NumberOperand(op.gradient_scale),
       decay = op.weight_decay, momentum = op.momentum] __device__(const Piece& piece) {
        return SgdStep<T>(number.get(), lr.get(), scale.get(), piece.exempt ? 0 : decay, momentum);
      },
      [=] __device__(const SgdStep<T>& step, int64_t i) { step(gradient[i], buffer[i], value[i]); });
}

template <class T>
struct AdaptedStep {
  LarsStep<T> step;
  T ratio;
};

template <class T>
void compute(const Lars& op) {
  const T* gradient = data<T>(op.gradient);
  T *value = mutable_data<T>(op.value), *buffer = mutable_data<T>(op.buffer);
  const Piece* pieces = pieces_in(op.pieces, DeviceType::cuda);
  const auto step_of = [=, lr = NumberOperand(op.lr), scale = NumberOperand(op.gradient_scale), decay = op.weight_decay,
                        momentum = op.momentum] __device__(const Piece& piece) {
    return LarsStep<T>(lr.get(), scale.get(), piece.exempt ? 0 : decay, momentum);
  };
  const Tensor workspace = Tensor::empty({op.pieces.dim(0), 2}, DType::f64, op.value.device());
  auto* squares = reinterpret_cast<LarsSquares*>(mutable_data<double>(workspace));
  each_block(op, op.pieces.dim(0), 1, [=] __device__(int64_t p, int64_t) {
    const Piece piece = pieces[p];
    const LarsStep<T> step = step_of(piece);
    const auto sums = block_sum<Sums<double, 2>>(piece.end - piece.begin, [&](int64_t i) {
      const int64_t k = piece.begin + i;
      const auto w = static_cast<double>(value[k]), u = static_cast<double>(step.update(gradient[k], value[k]));
      return Sums<double, 2>{{w * w, u * u}};
    });
    if (threadIdx.x == 0) squares[p] = {sums.of[0], sums.of[1]};
  });
  update_pieces(
      op, value,
      [=, trust = op.trust] __device__(const Piece& piece) {
        const auto sums = block_sum<Sums<double, 2>>(piece.last - piece.first, [&](int64_t q) {
          const LarsSquares& of_piece = squares[piece.first + q];
          return Sums<double, 2>{{of_piece.value, of_piece.update}};
        });
        const LarsSquares all{sums.of[0], sums.of[1]};
        return AdaptedStep<T>{step_of(piece), piece.exempt ? T(1) : static_cast<T>(all.ratio(trust))};
      },
      [=] __device__(const AdaptedStep<T>& adapted, int64_t i) {
        adapted.step(adapted.ratio, gradient[i], buffer[i], value[i]);
      });
}

template <class T>
void compute(const Ema& op) {
  const T* source = data<T>(op.source);
  T* target = mutable_data<T>(op.target);
  const Copy<T> copy(op.copy);
  each(op, op.target.numel(), [=, momentum = NumberOperand(op.momentum)] __device__(int64_t i) {
    EmaStep<T>(momentum.get())(source[i], target[i]);
    copy.write(i, target[i]);
  });
}

template <class T>
void compute(const Accumulate& op) {
  const T* source = data<T>(op.source);
  T* target = mutable_data<T>(op.target);
  each(op, op.target.numel(), [=] __device__(int64_t i) { target[i] = static_cast<T>(at(target, i) + at(source, i)); });
}

template <class T>
void compute(const SquaredNorm& op) {
  const T* x = data<T>(op.x);
  auto* y = mutable_data<double>(op.y);
  reduce<1>(
      op, op.x.numel(),
      [=] __device__(int64_t i) {
        const auto value = static_cast<double>(at(x, i));
        return Sums<double, 1>{{value * value}};
      },
      [=] __device__(const Sums<double, 1>& sum) { y[0] = sum.of[0]; });
}

// Master weights and what belongs to them are never bf16.
template <class Op>
void by_master_type(const Op& op) {
  visit_arithmetic(op.dispatch().dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

}  // namespace

void kernel(Cuda, const AdamW& op) {
  require_arenas(op, {&op.gradient, &op.m, &op.v});
  by_master_type(op);
}
void kernel(Cuda, const Sgd& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  by_master_type(op);
}
void kernel(Cuda, const Lars& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  by_master_type(op);
}
void kernel(Cuda, const Ema& op) {
  require_one_length(op.name, op.target, {&op.source});
  require_followers(op.name, op.target, {.copy = op.copy});
  by_master_type(op);
}
void kernel(Cuda, const Accumulate& op) {
  require_one_length(op.name, op.target, {&op.source});
  visit_floating(op.target.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const SquaredNorm& op) {
  visit_floating(op.x.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}
void kernel(Cuda, const GradientScale& op) {
  const auto* squared_norm = data<double>(op.squared_norm);
  auto *norm = mutable_data<double>(op.norm), *scale = mutable_data<double>(op.scale);
  each(op, 1, [=, batches = static_cast<double>(op.batches), clip_norm = op.clip_norm] __device__(int64_t) {
    scale_gradient(*squared_norm, batches, clip_norm, *norm, *scale);
  });
}

int64_t workspace_bytes(Cuda, const Lars& op) { return op.pieces.dim(0) * static_cast<int64_t>(sizeof(LarsSquares)); }

}  // namespace minissl::ops
