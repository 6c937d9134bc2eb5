#include "ssl/parts/momentum.h"

#include <cmath>
#include <numbers>

#include "tensor/error.h"
#include "tensor/ops/update.h"

namespace minissl {

void MomentumSchedule::visit(OptionVisitor& visitor) {
  visitor.visit_number("momentum", start, {0, 1}, "how slowly the momentum encoder follows; 1: not at all");
  visitor.visit_number("momentum-end", end, {0, 1},
                       "its value at the end of the run, reached along a cosine (0: constant)");
}

void MomentumSchedule::check() const { checked(*this); }

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
