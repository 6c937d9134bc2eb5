#include "tensor/ops/clip.h"

#include <span>
#include <vector>

#include "tensor/ops/update_pieces.h"

namespace minissl::ops {

void kernel(Reference, const ClipEach& op) {
  visit_arithmetic(op.gradient.dtype(), [&](auto type) {
    using T = decltype(type);
    T* gradient = op.gradient.mutable_data<T>();
    const std::span<const Piece> pieces(pieces_in(op.pieces, DeviceType::cpu), static_cast<size_t>(op.pieces.dim(0)));
    std::vector<double> squares(pieces.size());
    each_piece(op.pieces, [&](int64_t p, const Piece& piece) {
      const int64_t end = piece.end();
      double sum = 0;
#pragma omp simd reduction(+ : sum)
      for (int64_t i = piece.begin; i < end; ++i)
        sum += static_cast<double>(gradient[i]) * static_cast<double>(gradient[i]);
      squares[static_cast<size_t>(p)] = sum;
    });
    // Once for each parameter: a wide head's has ten thousand pieces.
    std::vector<T> factors(pieces.size());
    for (size_t p = 0; p < pieces.size(); ++p) {
      if (p != static_cast<size_t>(pieces[p].first)) continue;
      double square = 0;
      for (auto q = p; q < static_cast<size_t>(pieces[p].last); ++q) square += squares[q];
      const double factor = clip_factor(std::sqrt(square) / static_cast<double>(op.batches), op.clip_norm);
      std::fill(factors.begin() + pieces[p].first, factors.begin() + pieces[p].last, static_cast<T>(factor));
    }
    each_piece(op.pieces, [&](int64_t p, const Piece& piece) {
      const T factor = factors[static_cast<size_t>(p)];
      const int64_t end = piece.end();
#pragma omp simd
      for (int64_t i = piece.begin; i < end; ++i) gradient[i] *= factor;
    });
  });
}

}  // namespace minissl::ops
