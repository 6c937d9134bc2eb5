#include "ssl/method.h"

#include <algorithm>
#include <cmath>

namespace minissl {

void StepLog::watch(const std::string& name, const Tensor& value) {
  if (!first_not_finite_.empty()) return;
  visit_arithmetic(value.dtype(), [&](auto type) {
    const auto elements = value.span<decltype(type)>();
    if (!std::all_of(elements.begin(), elements.end(), [](auto v) { return std::isfinite(v); }))
      first_not_finite_ = name;
  });
}

void StepLog::tensor(const std::string& name, const Variable& value) {
  watch(name, value.value());
  if (keep_ == Keep::everything) tensors_.emplace_back(name, value.value());
}

void StepLog::term(const std::string& name, const Variable& value) {
  watch("loss/" + name, value.value());
  terms_.emplace_back(name, value.value().item());
}

}  // namespace minissl
