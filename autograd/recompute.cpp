#include "autograd/recompute.h"

#include "tensor/dry_run.h"

namespace minissl {

Keep RecomputePlan::keep(size_t index, bool ends_stage) const {
  switch (policy_) {
    case Policy::all:
      return {};
    case Policy::none:
      return {.output = ends_stage};
    case Policy::stage:
      return {.convolutions = 0, .output = ends_stage};
    case Policy::block:
      return {.convolutions = 0, .output = true};
    case Policy::chain:
      require(index < chain_.size(), "the recomputation plan is for {} parts of a network, but there are more",
              chain_.size());
      return chain_[index];
  }
  fail("unknown policy");
}

PartScope::PartScope(const std::string& name, const Variable& input, bool ends_stage)
    : input_(input.value().storage().get()), previous_(active_) {
  if (PlanScope* scope = PlanScope::active(); scope != nullptr && !NoGradScope::active()) {
    index_ = static_cast<int>(scope->parts_.size());
    keep_ = scope->plan_.keep(scope->parts_.size(), ends_stage);
    scope->parts_.push_back({name, ends_stage, {}, {}});
  }
  active_ = this;
  if (DryRun* dry_run = DryRun::active()) dry_run->label(index_, false);
}

PartScope::~PartScope() {
  active_ = previous_;
  if (DryRun* dry_run = DryRun::active()) dry_run->label(index(), false);
}

bool PartScope::keeps_convolution(const Variable& x, const Shape& w, const Shape& y,
                                  ops::ConvolutionGeometry geometry) {
  if (active_ == nullptr || active_->index_ < 0) return true;
  PartRecord& record = PlanScope::active()->parts_.back();
  const size_t number = record.convolutions.size();
  record.convolutions.push_back({x.shape(), w, y, geometry, x.value().storage().get() == active_->input_});
  return (active_->keep_.convolutions >> number & 1U) != 0;
}

bool PartScope::keeps_output(const Shape& output) {
  if (active_ == nullptr || active_->index_ < 0) return true;
  PlanScope::active()->parts_.back().output = output;
  return active_->keep_.output;
}

int PartScope::index() { return active_ ? active_->index_ : -1; }

}  // namespace minissl
