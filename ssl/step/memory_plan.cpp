#include "ssl/step/memory_plan.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace minissl {
namespace {

/// The place of a product in its part, derived from its sources. A pattern (a set of bits) names places.
enum Place : uint32_t {
  side = 1,   ///< the part's last product does not depend on it: a shortcut's projection
  first = 2,  ///< computed from the part's input alone
  inner = 4,
  last = 8
};
constexpr uint32_t all_patterns = 16;

/// A part of the chain, as the dynamic program sees it.
struct Link {
  struct Product {
    Place place;
    uint32_t sources;  ///< bits of the products from which it is computed
    int64_t bytes;
    double cost;
  };
  std::vector<Product> products;
  uint32_t output_sources = 0;
  int64_t output = 0;  ///< bytes that the next part reads
  double output_cost = 0;
  int64_t always = 0;    ///< bytes kept under any plan: statistics, masks, positions
  int64_t backward = 0;  ///< transient bytes
  int64_t forward = 0;
  bool ends_view = false;  ///< its output is never kept
};

/// The products from which those in `set` are computed, including these.
uint32_t with_sources(const std::vector<Product>& products, uint32_t set) {
  for (size_t i = products.size(); i-- > 0;)
    if ((set >> i & 1U) != 0) set |= products[i].sources;
  return set;
}

Place place_of(const std::vector<Product>& products, size_t i) {
  const uint32_t main_path = with_sources(products, 1U << (products.size() - 1));
  if ((main_path >> i & 1U) == 0) return side;
  if (products[i].sources == 0) return first;
  return i + 1 == products.size() ? last : inner;
}

std::vector<Link> links_of(const StepMemory& memory, const PlanCosts& costs) {
  std::vector<Link> links;
  for (size_t p = 0; p < memory.parts.size(); ++p) {
    const PartMemory& part = memory.parts[p];
    const std::vector<Product>& products = part.record.products;
    Link link{.products = {},
              .output_sources = part.record.output.sources,
              .output = part.record.output.bytes(),
              .output_cost = costs.output(p),
              .always = part.kept,
              .backward = part.transient,
              .forward = part.forward,
              .ends_view = p + 1 == memory.parts.size() || memory.parts[p + 1].view != part.view};
    for (size_t i = 0; i < products.size(); ++i) {
      link.products.push_back({place_of(products, i), products[i].sources, products[i].bytes(), costs.product(p, i)});
      link.always -= products[i].bytes();
    }
    // A part's input counts as kept by the part.
    if (p > 0 && !links.back().ends_view) link.always -= links.back().output;
    link.always = std::max<int64_t>(link.always, 0);
    links.push_back(std::move(link));
  }
  return links;
}

bool keeps(uint32_t pattern, const Link::Product& p) { return (pattern & p.place) != 0; }

/// Parts [begin, end) that share a pattern, with only their first input kept.
struct Segment {
  size_t begin, end;
  uint32_t pattern;
  int64_t kept = 0;     ///< including its output; its input belongs to the segment before
  int64_t needs = 0;    ///< peak use during its backward or forward, without the bytes kept by the parts before it
  double repeated = 0;  ///< cost of recomputation
};

Segment make_segment(const std::vector<Link>& links, size_t begin, size_t end, uint32_t pattern) {
  Segment s{begin, end, pattern};
  int64_t again = 0;  // recomputed in the parts before, to reach a part's input
  for (size_t p = begin; p < end; ++p) {
    const Link& link = links[p];
    s.kept += link.always;
    int64_t dropped = 0, for_output = 0;
    uint32_t needed = link.output_sources;  // products needed to recompute the output, back to kept ones
    for (size_t i = link.products.size(); i-- > 0;) {
      const Link::Product& product = link.products[i];
      if (keeps(pattern, product)) {
        s.kept += product.bytes;
        continue;
      }
      dropped += product.bytes;
      s.repeated += product.cost;
      if ((needed >> i & 1U) == 0) continue;
      for_output += product.bytes;
      needed |= product.sources;
    }
    s.needs = std::max({s.needs, s.kept + again + dropped + link.backward, s.kept + again + dropped + link.forward});
    if (p + 1 < end) {
      again += for_output + link.output;
      s.repeated += link.output_cost;
    } else if (!link.ends_view) {
      s.kept += link.output;
    }
  }
  return s;
}

/// The cheapest way found to cover a prefix of the chain.
struct Prefix {
  double repeated = std::numeric_limits<double>::infinity();
  int64_t kept = 0;
  const Segment* segment = nullptr;  ///< the last one
  size_t bucket_before = 0;          ///< of the prefix before that
};

constexpr size_t buckets = 1024;

struct Chain {
  std::vector<Keep> keep;  ///< empty: none found
  double repeated = 0;
};

/// The cheapest plan whose estimated use never exceeds `budget`.
Chain plan_chain(const std::vector<Link>& links, int64_t budget) {
  std::vector<std::vector<Segment>> segments(links.size());  // by their first part
  for (size_t begin = 0; begin < links.size(); ++begin)
    for (size_t end = begin + 1; end <= links.size(); ++end) {
      for (uint32_t pattern = 0; pattern < all_patterns; ++pattern)
        if (const Segment s = make_segment(links, begin, end, pattern); s.needs <= budget) segments[begin].push_back(s);
      if (links[end - 1].ends_view) break;
    }
  // Prefixes that keep about the same share a bucket, in which only the cheapest survives.
  std::vector<std::vector<Prefix>> best(links.size() + 1, std::vector<Prefix>(buckets + 1));
  best[0][0].repeated = 0;
  for (size_t begin = 0; begin < links.size(); ++begin)
    for (size_t bucket = 0; bucket <= buckets; ++bucket) {
      const Prefix& before = best[begin][bucket];
      if (before.repeated == std::numeric_limits<double>::infinity()) continue;
      for (const Segment& s : segments[begin]) {
        const int64_t kept = before.kept + s.kept;
        if (before.kept + s.needs > budget || kept > budget) continue;
        const auto to = static_cast<size_t>(static_cast<double>(kept) / static_cast<double>(budget) * buckets);
        Prefix& after = best[s.end][to];
        if (before.repeated + s.repeated < after.repeated) after = {before.repeated + s.repeated, kept, &s, bucket};
      }
    }
  const auto cheapest = std::min_element(best.back().begin(), best.back().end(),
                                         [](const Prefix& a, const Prefix& b) { return a.repeated < b.repeated; });
  if (cheapest->segment == nullptr) return {};
  Chain result{std::vector<Keep>(links.size()), cheapest->repeated};
  size_t end = links.size(), bucket = static_cast<size_t>(cheapest - best.back().begin());
  while (end > 0) {
    const Prefix& prefix = best[end][bucket];
    for (size_t p = prefix.segment->begin; p < end; ++p) {
      result.keep[p] = {.products = 0, .output = p + 1 == end};
      for (size_t i = 0; i < links[p].products.size(); ++i)
        if (keeps(prefix.segment->pattern, links[p].products[i])) result.keep[p].products |= 1U << i;
    }
    bucket = prefix.bucket_before;
    end = prefix.segment->begin;
  }
  return result;
}

/// The basis of the estimates: a step that keeps everything, and the memory that does not depend on the plan.
class Planner {
 public:
  Planner(const StepDescription& step, PlanCostSource source) : Planner(step, source, predict_step(step, {})) {}
  /// `everything`: predict_step(step, {}).
  Planner(StepDescription step, PlanCostSource source, StepMemory everything)
      : step_(std::move(step)),
        everything_(std::move(everything)),
        costs_(costs_of(source)),
        links_(links_of(everything_, costs_)) {
    fixed_ = everything_.usage.live_by_tag;
    // Batches, parameters, their gradients, the optimizer's moments, the queue: the same at every moment of a step.
    for (const MemoryTag tag : {MemoryTag::saved, MemoryTag::recomputed, MemoryTag::workspace})
      fixed_[static_cast<size_t>(tag)] = 0;
  }

  MemoryPlan describe(const RecomputePlan& recompute) const {
    MemoryPlan plan{.recompute = recompute, .memory = predict_step(step_, recompute)};
    plan.extra_flops_percent = 100 * (plan.memory.flops / everything_.flops - 1);
    return plan;
  }
  int64_t fixed() const { return std::accumulate(fixed_.begin(), fixed_.end(), int64_t{0}); }
  Chain chain(int64_t budget) const { return plan_chain(links_, budget); }
  /// Describes a chain that this planner found.
  MemoryPlan describe(const Chain& chain) const {
    MemoryPlan plan = describe(RecomputePlan(chain.keep));
    if (costs_.in_seconds()) plan.extra_seconds = chain.repeated;
    return plan;
  }

 private:
  PlanCosts costs_of(PlanCostSource source) const {
    if (source == PlanCostSource::measured)
      if (std::optional<PlanCosts> costs = PlanCosts::measured(everything_.parts, step_.device))
        return *std::move(costs);
    return PlanCosts::counted(everything_.parts);
  }

  StepDescription step_;
  StepMemory everything_;
  PlanCosts costs_;
  std::vector<Link> links_;
  std::array<int64_t, memory_tag_count> fixed_;
};

MemoryPlan smallest_plan(const Planner& planner) {
  MemoryPlan best = planner.describe(RecomputePlan(RecomputePlan::Policy::block));
  const MemoryPlan stage = planner.describe(RecomputePlan(RecomputePlan::Policy::stage));
  if (stage.needed() < best.needed()) best = stage;
  int64_t low = 0, high = best.needed();
  for (int i = 0; i < 16; ++i) {
    const int64_t trial = low + (high - low) / 2;
    (planner.chain(trial).keep.empty() ? low : high) = trial;
  }
  // Memory taken from the system doesn't grow evenly with memory in use: its minimum is near the smallest budget with a
  // plan, but seldom at it.
  constexpr int64_t trials = 16;
  for (int64_t i = 0; i < trials; ++i) {
    const Chain chain = planner.chain(high + high * i / (2 * trials));
    if (chain.keep.empty()) continue;
    if (const MemoryPlan plan = planner.describe(chain); plan.needed() < best.needed()) best = plan;
  }
  return best;
}

}  // namespace

MemoryPlan describe_plan(const StepDescription& step, const RecomputePlan& recompute) {
  return Planner(step, PlanCostSource::counted).describe(recompute);
}

std::optional<MemoryPlan> plan_memory(const StepDescription& step, int64_t budget, PlanCostSource source) {
  MemoryPlan everything{.recompute = RecomputePlan(), .memory = predict_step(step, {})};
  if (everything.needed() <= budget) return everything;  // without measuring anything
  const Planner planner(step, source, std::move(everything.memory));
  std::optional<MemoryPlan> best;
  double repeated = std::numeric_limits<double>::infinity();  // under the best
  // Bisection of the estimates' budget: the plan with `high` was too large; with `low` it fits, or there is none.
  int64_t low = 0, high = budget - planner.fixed(), trial = high;
  for (int i = 0; i < 12 && trial > 0; ++i) {
    const Chain chain = planner.chain(trial);
    if (!chain.keep.empty()) {
      const MemoryPlan plan = planner.describe(chain);
      if (plan.needed() <= budget) {
        if (chain.repeated < repeated) {
          best = plan;
          repeated = chain.repeated;
        }
        low = trial;
      } else {
        high = trial;
      }
    } else {
      low = trial;
    }
    if (low == trial && high == trial) break;
    trial = low + (high - low) / 2;
    if (high - low < budget / 200) break;
  }
  if (best) return best;
  if (MemoryPlan least = smallest_plan(planner); least.needed() <= budget) return least;
  return std::nullopt;
}

MemoryPlan smallest_plan(const StepDescription& step) { return smallest_plan(Planner(step, PlanCostSource::counted)); }

int64_t largest_batch(StepDescription step, int64_t budget, const std::function<bool(int64_t)>& allowed) {
  std::vector<int64_t> batches;
  for (int64_t b = 2; b < step.images[0]; ++b)
    if (allowed(b)) batches.push_back(b);
  // More images need more memory, so bisect for the first batch that doesn't fit.
  const auto first = std::partition_point(batches.begin(), batches.end(), [&](int64_t b) {
    step.images[0] = b;
    return plan_memory(step, budget).has_value();
  });
  return first == batches.begin() ? 0 : *std::prev(first);
}

}  // namespace minissl
