#include "tensor/cuda/reduce.h"
#include "tensor/ops/clip.h"
#include "tensor/ops/update_functions.h"
#include "tensor/pieces.h"

namespace minissl::ops {
namespace {

using namespace cuda;

template <class T>
void compute(const ClipEach& op) {
  T* gradient = mutable_data<T>(op.gradient);
  const Piece* pieces = pieces_in(op.pieces, DeviceType::cuda);
  const Tensor workspace = Tensor::empty({op.pieces.dim(0)}, DType::f64, op.gradient.device());
  auto* squares = mutable_data<double>(workspace);
  each_block(op, op.pieces.dim(0), 1, [=] __device__(int64_t p, int64_t) {
    const Piece piece = pieces[p];
    const double sum = block_sum<double>(piece.end() - piece.begin, [&](int64_t i) {
      const auto value = static_cast<double>(gradient[piece.begin + i]);
      return value * value;
    });
    if (threadIdx.x == 0) squares[p] = sum;
  });
  each_block(op, op.pieces.dim(0), 1,
             [=, batches = static_cast<double>(op.batches), clip_norm = op.clip_norm] __device__(int64_t p, int64_t) {
               const Piece piece = pieces[p];
               const double square =
                   block_sum<double>(piece.last - piece.first, [&](int64_t q) { return squares[piece.first + q]; });
               const T factor = static_cast<T>(clip_factor(std::sqrt(square) / batches, clip_norm));
               for (int64_t i = piece.begin + threadIdx.x; i < piece.end(); i += block_threads) gradient[i] *= factor;
             });
}

}  // namespace

void kernel(Cuda, const ClipEach& op) {
  // Gradients of parameters are never bf16.
  visit_arithmetic(op.gradient.dtype(), [&](auto type) { compute<decltype(type)>(op); });
}

int64_t workspace_bytes(Cuda, const ClipEach& op) { return op.pieces.dim(0) * static_cast<int64_t>(sizeof(double)); }

}  // namespace minissl::ops
