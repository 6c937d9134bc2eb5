#include "tensor/rules.h"

#include <algorithm>

namespace minissl {
namespace {

constexpr int64_t columns = sizeof(RuleRow) / sizeof(double);

}  // namespace

Tensor make_rules(std::span<const RuleRow> rows, Device device) {
  const Tensor rules = Tensor::empty({static_cast<int64_t>(rows.size()), columns}, DType::f64);
  if (rules.storage()->real())
    std::copy(rows.begin(), rows.end(), reinterpret_cast<RuleRow*>(rules.mutable_data<double>()));
  return rules.to(device);
}

void require_rules(const char* operation, const Tensor& rules, const Tensor& pieces) {
  if (!rules.defined()) return;
  require(rules.dtype() == DType::f64 && rules.rank() == 2 && rules.dim(1) == columns,
          "{}: {} is no table of rules; it must be f64 (parameters, {})", operation, rules, columns);
  if (pieces.device().type != DeviceType::cpu || pieces.dim(0) == 0) return;
  const int64_t last = pieces_in(pieces, DeviceType::cpu)[pieces.dim(0) - 1].parameter;
  require(last < rules.dim(0), "{}: {} has no rule for parameter {}", operation, rules, last);
}

}  // namespace minissl
