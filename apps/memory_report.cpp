#include "apps/memory_report.h"

#include <algorithm>

namespace minissl {
namespace {

std::string stage_of(const PartRecord& part) { return part.name.substr(0, part.name.find('.')); }

// "convolution 2" for a part's second convolution.
std::string numbered(const std::vector<Product>& products, size_t i) {
  const std::string operation = products[i].operation;
  const auto same = [&](const Product& p) { return operation == p.operation; };
  const auto end = products.begin() + static_cast<std::ptrdiff_t>(i) + 1;
  return fmt::format("{} {}", operation, std::count_if(products.begin(), end, same));
}

// The operations of a part that backward recomputes, in words.
std::string recomputed(const PartRecord& part, const Keep& keep) {
  std::vector<std::string> names;
  for (size_t i = 0; i < part.products.size(); ++i)
    if ((keep.products >> i & 1U) == 0) names.push_back(numbered(part.products, i));
  if (!keep.output) names.emplace_back("output");
  return names.empty() ? "all kept" : fmt::format("recomputed: {}", fmt::join(names, ", "));
}

}  // namespace

std::vector<std::string> plan_lines(const MemoryPlan& plan) {
  std::vector<std::string> lines;
  const std::vector<PartMemory>& parts = plan.memory.parts;
  const auto in_words = [&](size_t p) {
    return recomputed(parts[p].record, plan.recompute.keep(p, parts[p].record.ends_stage));
  };
  for (size_t p = 0; p < parts.size();) {
    size_t end = p + 1;
    while (end < parts.size() && parts[end].view == parts[p].view && in_words(end) == in_words(p)) ++end;
    const std::string first = parts[p].record.name, last = parts[end - 1].record.name;
    lines.push_back(
        fmt::format("view {} {}{}: {}", parts[p].view, first, end - p > 1 ? " to " + last : "", in_words(p)));
    p = end;
  }
  if (plan.extra_seconds)
    lines.push_back(fmt::format("recomputing takes about {:.2f} s of a step, as measured here", *plan.extra_seconds));
  return lines;
}

std::vector<StageMemory> by_stage(const StepMemory& memory) {
  std::vector<StageMemory> stages;
  for (const PartMemory& part : memory.parts) {
    const std::string name = fmt::format("view {} {}", part.view, stage_of(part.record));
    if (stages.empty() || stages.back().name != name) stages.push_back({name});
    stages.back().kept += part.kept;
    stages.back().naive += part.naive;
    stages.back().peak = std::max(stages.back().peak, part.peak);
  }
  int64_t peak = 0;
  for (const DryRun::Event& e : memory.events)
    if (e.part < 0) peak = std::max(peak, e.live);
  stages.push_back({"projector", memory.kept_by_projector, memory.kept_by_projector, peak});
  stages.push_back({"loss", memory.kept_by_loss, memory.kept_by_loss, peak});
  return stages;
}

std::vector<std::pair<std::string, int64_t>> by_use(const StepMemory& memory) {
  std::vector<std::pair<std::string, int64_t>> uses;
  for (int t = 0; t < memory_tag_count; ++t) {
    const auto tag = static_cast<MemoryTag>(t);
    if (tag != MemoryTag::saved) uses.emplace_back(name_of(tag), memory.at_peak(tag));
  }
  std::map<int, int64_t> views;
  for (const PartMemory& part : memory.parts) views[part.view] += part.kept;
  for (const auto& [view, bytes] : views) uses.emplace_back(fmt::format("activations of view {}", view), bytes);
  uses.emplace_back("activations of the projector", memory.kept_by_projector);
  uses.emplace_back("loss matrices", memory.kept_by_loss);
  return uses;
}

Json to_json(const MemoryPlan& plan) {
  const StepMemory& memory = plan.memory;
  Json stages = Json::array(), tags = Json::object(), uses = Json::object();
  for (const StageMemory& s : by_stage(memory))
    stages.push_back({{"name", s.name}, {"bytes", s.kept}, {"naive_bytes", s.naive}, {"peak_bytes", s.peak}});
  for (int t = 0; t < memory_tag_count; ++t)
    tags[name_of(static_cast<MemoryTag>(t))] = memory.at_peak(static_cast<MemoryTag>(t));
  for (const auto& [use, bytes] : by_use(memory)) uses[use] = bytes;
  const auto of = [&](MemoryTag tag) { return memory.usage.live_by_tag[static_cast<size_t>(tag)]; };
  return {{"peak_bytes", memory.usage.peak},
          {"reserved_bytes", memory.usage.reserved},
          {"activation_bytes", memory.activations()},
          {"naive_activation_bytes", memory.naive_activations()},
          {"parameter_bytes", of(MemoryTag::parameter)},
          {"gradient_bytes", of(MemoryTag::gradient)},
          {"optimizer_bytes", of(MemoryTag::optimizer)},
          {"extra_flops_percent", plan.extra_flops_percent},
          {"flops", memory.flops},
          {"plan", plan_lines(plan)},
          {"stages", stages},
          {"at_peak", tags},
          {"uses", uses}};
}

Json memory_event(const MemoryPlan& plan, const std::string& device) {
  Json event = to_json(MemoryEvent{device, plan.memory.usage});
  event["plan"] = plan_lines(plan);
  event["extra_flops_percent"] = plan.extra_flops_percent;
  // Keeps the maximum of each group of consecutive operations, so that peaks are preserved.
  constexpr size_t most_points = 400;
  const std::vector<DryRun::Event>& all = plan.memory.events;
  const size_t each = std::max<size_t>(1, (all.size() + most_points - 1) / most_points);
  Json operation = Json::array(), live = Json::array(), kept = Json::array();
  for (size_t begin = 0; begin < all.size(); begin += each) {
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), begin + each));
    const auto largest = std::max_element(from, to, [](const auto& a, const auto& b) { return a.live < b.live; });
    operation.push_back(largest - all.begin());
    live.push_back(largest->live);
    kept.push_back(largest->by_tag[static_cast<size_t>(MemoryTag::saved)]);
  }
  const auto backward = std::find_if(all.begin(), all.end(), [](const auto& e) { return e.backward; });
  event["timeline"] = {
      {"operation", operation}, {"live_bytes", live}, {"saved_bytes", kept}, {"backward_from", backward - all.begin()}};
  return event;
}

std::string memory_table(const MemoryPlan& plan) {
  const StepMemory& memory = plan.memory;
  std::string text =
      fmt::format("{} needed; tensors {} at the peak; {:+.1f}% arithmetic\n\n", format_bytes(plan.needed()),
                  format_bytes(memory.usage.peak), plan.extra_flops_percent);
  for (const auto& [use, bytes] : by_use(memory))
    if (bytes > 0) text += fmt::format("  {:<30}{:>10}\n", use, format_bytes(bytes));
  const auto row = [&](const std::string& name, const auto& kept, const auto& naive, const auto& peak) {
    text += fmt::format("  {:<26}{:>12}{:>18}{:>20}\n", name, kept, naive, peak);
  };
  text += "\n";
  row("stage", "kept", "kept naively", "peak in backward");
  for (const StageMemory& s : by_stage(memory))
    row(s.name, format_bytes(s.kept), format_bytes(s.naive), format_bytes(s.peak));
  row("in all", format_bytes(memory.activations()), format_bytes(memory.naive_activations()),
      format_bytes(memory.usage.peak));
  text += "\n";
  for (const std::string& line : plan_lines(plan)) text += "  " + line + "\n";
  return text;
}

}  // namespace minissl
