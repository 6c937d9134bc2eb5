#pragma once
#include <span>

#include "tensor/host_device.h"
#include "tensor/pieces.h"

/// How an update treats each parameter of an arena. The table is on the arena's device, so a CUDA graph that holds the
/// update reads what the table says when the graph is launched.
namespace minissl {

/// The rule of one parameter: a row of the table. The defaults change nothing.
struct RuleRow {
  double rate = 1;           ///< factor on the learning rate
  double decay = 1;          ///< factor on the weight decay
  double adapted = 1;        ///< 0: its gradient is not scaled by LARS
  double constant_rate = 0;  ///< 1: the peak learning rate in place of the scheduled one
  double frozen = 0;         ///< 1: neither its value nor its moments are updated
  double skipped = 0;        ///< steps of the optimizer that did not update it
};

/// The table of these rules, one row for each parameter: f64 (parameters, 6).
Tensor make_rules(std::span<const RuleRow> rows, Device device = {});
/// Throws Error, naming the operation, unless `rules` is such a table, for all parameters of `pieces`, or undefined. On
/// a GPU the number of parameters is not checked: the host does not see the pieces.
void require_rules(const char* operation, const Tensor& rules, const Tensor& pieces);

/// The table as kernels see it.
struct Rules {
  MINISSL_HD RuleRow of(const Piece& piece) const { return rows ? rows[piece.parameter] : RuleRow{}; }
  MINISSL_HD bool frozen(const Piece& piece) const { return of(piece).frozen != 0; }

  const RuleRow* rows;  ///< null where no table is given: every parameter has the default rule
};
inline Rules rules_in(const Tensor& rules, DeviceType reader) {
  return {rules.defined() ? reinterpret_cast<const RuleRow*>(rules.data<double>(reader)) : nullptr};
}

}  // namespace minissl
