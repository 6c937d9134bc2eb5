#include "tensor/ops/lars.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "tensor/ops/update_pieces.h"

namespace minissl::ops {

void kernel(Reference, const Lars& op) {
  require_arenas(op, {&op.gradient, &op.buffer});
  visit_arithmetic(op.value.dtype(), [&](auto type) {
    using T = decltype(type);
    T *value = op.value.mutable_data<T>(), *buffer = op.buffer.mutable_data<T>();
    const T* gradient = op.gradient.data<T>();
    const Rules rules = rules_in(op.rules, DeviceType::cpu);
    const StepsByParameter<LarsStep<T>> steps(
        op, [&](const ParameterRates& rates) { return LarsStep<T>(rates, op.momentum); });
    std::vector<LarsSquares> squares(static_cast<size_t>(op.pieces.dim(0)));
    each_piece(op.pieces, [&](int64_t p, const Piece& piece) {
      if (rules.frozen(piece)) return;
      const LarsStep<T> step = steps.of(piece);
      const int64_t end = piece.end();
      double of_value = 0, of_update = 0;
#pragma omp simd reduction(+ : of_value, of_update)
      for (int64_t i = piece.begin; i < end; ++i) {
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
      if (p != first || rules.of(pieces[p]).adapted == 0) continue;
      LarsSquares sum;
      for (size_t q = first; q < last; ++q) sum += squares[q];
      std::fill(ratios.begin() + pieces[p].first, ratios.begin() + pieces[p].last, static_cast<T>(sum.ratio(op.trust)));
    }
    const auto adapted = [&](int64_t p, const Piece& piece) {
      return std::pair(steps.of(piece), ratios[static_cast<size_t>(p)]);
    };
    update_pieces(op, value, adapted,
                  [=](const auto& step, int64_t i) { step.first(step.second, gradient[i], buffer[i], value[i]); });
  });
}

}  // namespace minissl::ops
