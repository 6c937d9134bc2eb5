#include "ssl/parts/momentum.h"

#include <cmath>
#include <numbers>

#include "tensor/error.h"
#include "tensor/ops/update.h"

namespace minissl {

void MomentumSchedule::visit(OptionVisitor& visitor) {
  visitor.visit("momentum", start, "how slowly the momentum encoder follows; 1: not at all");
  visitor.visit("momentum-end", end, "its value at the end of the run, reached along a cosine (0: constant)");
}

void MomentumSchedule::check() const {
  require(start >= 0 && start <= 1, "`momentum` must be from 0 to 1, not {}", start);
  require(end >= 0 && end <= 1, "`momentum-end` must be from 0 to 1, not {}", end);
}

double MomentumSchedule::at(const StepPosition& position) const {
  if (end == 0) return start;
  const double done = static_cast<double>(position.step) / static_cast<double>(position.total_steps);
  return end - (end - start) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

Momentum::Momentum(const MomentumSchedule& schedule, Device device)
    : schedule_(schedule), value_(Tensor::full({1}, schedule.start, DType::f64, device)) {
  schedule.check();
}

void Momentum::update(const ParameterArena& target, const Tensor& source) const {
  run(ops::Ema{target.values(), source, value_, target.converted().tensor()});
  target.converted().mark_current();
}

}  // namespace minissl
