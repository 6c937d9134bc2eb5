#include "tensor/cuda/update_pieces.h"
#include "tensor/ops/lars.h"

namespace minissl::ops {
namespace {

using namespace cuda;

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
  const Rules rules = rules_in(op.rules, DeviceType::cuda);
  const auto step_of = [=, rates = RatesOnGpu(op), momentum = op.momentum] __device__(const Piece& piece) {
    return LarsStep<T>(rates.of(piece), momentum);
  };
  const Tensor workspace = Tensor::empty({op.pieces.dim(0), 2}, DType::f64, op.value.device());
  auto* squares = reinterpret_cast<LarsSquares*>(mutable_data<double>(workspace));
  each_block(op, op.pieces.dim(0), 1, [=] __device__(int64_t p, int64_t) {
    const Piece piece = pieces[p];
    if (rules.frozen(piece)) return;
    const LarsStep<T> step = step_of(piece);
    const auto sums = block_sum<Sums<double, 2>>(piece.end() - piece.begin, [&](int64_t i) {
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
        const bool adapted = rules.of(piece).adapted != 0;
        return AdaptedStep<T>{step_of(piece), adapted ? static_cast<T>(all.ratio(trust)) : T(1)};
      },
      [=] __device__(const AdaptedStep<T>& adapted, int64_t i) {
        adapted.step(adapted.ratio, gradient[i], buffer[i], value[i]);
      });
}

}  // namespace

void kernel(Cuda, const Lars& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  // Weights and their moments are never bf16.
  visit_arithmetic(op.value.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

int64_t workspace_bytes(Cuda, const Lars& op) { return op.pieces.dim(0) * static_cast<int64_t>(sizeof(LarsSquares)); }

}  // namespace minissl::ops
