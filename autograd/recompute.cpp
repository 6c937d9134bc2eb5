#include "autograd/recompute.h"

#include "autograd/graph.h"
#include "tensor/dry_run.h"

namespace minissl {
namespace {

// A part's products are bits of a uint32_t.
constexpr size_t most_products = 32;

std::vector<Product::Input> kinds_of(const std::vector<Saved>& inputs) {
  std::vector<Product::Input> kinds;
  kinds.reserve(inputs.size());
  for (const Saved& input : inputs) kinds.push_back({input.shape(), input.dtype()});
  return kinds;
}

}  // namespace

Keep RecomputePlan::keep(size_t index, bool ends_stage) const {
  switch (policy_) {
    case Policy::all:
      return {};
    case Policy::none:
      return {.output = ends_stage};
    case Policy::stage:
      return {.products = 0, .output = ends_stage};
    case Policy::block:
      return {.products = 0, .output = true};
    case Policy::chain:
      require(index < chain_.size(), "the recomputation plan is for {} parts of a network, but there are more",
              chain_.size());
      return chain_[index];
  }
  fail("unknown policy");
}

PartScope::PartScope(const std::string& name, bool ends_stage) : previous_(active_) {
  if (PlanScope* scope = PlanScope::active(); scope != nullptr && !NoGradScope::active()) {
    index_ = static_cast<int>(scope->parts_.size());
    keep_ = scope->plan_.keep(scope->parts_.size(), ends_stage);
    scope->parts_.push_back({.name = name, .ends_stage = ends_stage, .products = {}, .output = {}});
  }
  active_ = this;
  if (DryRun* dry_run = DryRun::active()) dry_run->label(index_, false);
}

PartScope::~PartScope() {
  active_ = previous_;
  if (DryRun* dry_run = DryRun::active()) dry_run->label(index(), false);
}

Variable PartScope::output(Variable y) {
  if (recording() != this || !y.requires_grad()) return y;
  PartRecord& part = record();
  part.output.sources = y.node()->sources;
  const RecomputeOffer* offer = y.offer();
  if (offer == nullptr) return y;
  if (is_last_product(y)) {
    part.output = std::move(part.products.back());
    part.products.pop_back();
    y.node()->sources = part.output.sources;
  } else {
    // Additions, maxima, normalisation: bound by memory, not by their few operations; counted as 16 per element.
    part.output = {y.node()->operation, y.shape(),
                   y.value().dtype(),   16 * static_cast<double>(y.value().numel()),
                   y.node()->sources,   kinds_of(offer->inputs),
                   offer->recipe};
  }
  if (keep_.output)
    y.keep();
  else
    y.recompute_by(Recompute::once, offer->inputs, offer->recipe);
  return y;
}

bool PartScope::is_last_product(const Variable& y) const {
  const std::vector<Product>& products = record().products;
  return !products.empty() && y.node()->sources == 1U << (products.size() - 1) &&
         y.node()->operation == products.back().operation;
}

int PartScope::index() { return active_ ? active_->index_ : -1; }

void product(Variable& y, double flops, std::vector<Saved> inputs, Recipe recipe) {
  PartScope* part = PartScope::recording();
  if (part == nullptr || !y.requires_grad()) return;
  PartRecord& record = part->record();
  Node& node = *y.node();
  const size_t number = record.products.size();
  require(number < most_products, "part {} of the network has more than {} products; divide it", record.name,
          most_products);
  record.products.push_back(
      {node.operation, y.shape(), y.value().dtype(), flops, node.sources, kinds_of(inputs), recipe});
  node.sources = 1U << number;
  y.offer_recipe(inputs, recipe);
  if ((part->keep_.products >> number & 1U) == 0) y.recompute_by(Recompute::once, std::move(inputs), std::move(recipe));
}

void count_naively(const Variable& input, int64_t more) {
  PartScope* part = PartScope::recording();
  if (part == nullptr) return;
  int64_t& naive = part->record().naive;
  if (input.requires_grad() && part->counted_.insert(input.node().get()).second) naive += input.value().bytes();
  naive += more;
}

}  // namespace minissl
