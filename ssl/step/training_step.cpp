#include "ssl/step/training_step.h"

#include <algorithm>
#include <cmath>

#include "tensor/dry_run.h"
#include "tensor/ops/update.h"
#include "tensor/profile.h"

namespace minissl {
namespace {

// How many steps the host queues before it waits for the first result.
constexpr size_t most_pending = 3;

bool alike(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined()) return a.defined() == b.defined();
  return a.shape() == b.shape() && a.dtype() == b.dtype();
}

Tensor copy_on(Device device, const Tensor& t) {
  if (!t.defined()) return {};
  const TagScope tag(MemoryTag::data);
  const Tensor copy = Tensor::empty(t.shape(), t.dtype(), device);
  copy.copy_from(t);
  return copy;
}

bool alike(const Batch& a, const Batch& b) {
  const auto same = [](const auto& x, const auto& y) { return alike(x.second, y.second); };
  return a.views.size() == b.views.size() && a.drawn.size() == b.drawn.size() &&
         std::equal(a.views.begin(), a.views.end(), b.views.begin(),
                    [](const Tensor& x, const Tensor& y) { return alike(x, y); }) &&
         std::equal(a.drawn.begin(), a.drawn.end(), b.drawn.begin(), same);
}

}  // namespace

TrainingStep::TrainingStep(Method& method, Optimizer& optimizer, const StepOptions& options, Graphs graphs)
    : method_(method), graphs_wanted_(graphs), device_(method.device()), step_(method, optimizer, options) {
  for (const StateEntry& e : method.state()) {
    state_.insert(e.tensor().storage());
    if (e.converted) converted_.insert(*e.converted);
  }
}

TrainingStep::~TrainingStep() = default;

void TrainingStep::run(const StepPosition& position, const StepRates& rates, const std::function<Batch()>& next_batch) {
  for (const auto& copy : converted_) copy->refresh();
  position_ = position;
  lr_ = rates.lr;
  step_.run(position, rates, next_batch, *this);
  pending_.back().numbers->copy(step_.gradient_norm(), step_.options().accumulate * layout_.per_batch());
  pending_.back().numbers->finish();
  repeatable_ =
      graphs_wanted_ == Graphs::on && device_.type == DeviceType::cuda && !Profile::active() && !DryRun::active();
}

void TrainingStep::after_batch(const Variable& loss, const StepLog& log) {
  layout_ = {};
  for (const auto& [name, value] : log.terms()) layout_.terms.push_back(name);
  for (const auto& [name, value] : log.squared_norms()) layout_.watched.push_back(name);
  const Shape numbers{layout_.per_batch()};
  if (!batch_numbers_.defined() || batch_numbers_.shape() != numbers)
    batch_numbers_ = Tensor::zeros(numbers, DType::f64, device_);
  int64_t next = 0;
  const auto add = [&](const Tensor& number) { batch_numbers_.slice(next++, {1}).copy_from(number.view({1})); };
  add(loss.value());
  for (const auto& [name, value] : log.terms()) add(value);
  for (const auto& [name, value] : log.squared_norms()) add(value);
}

void TrainingStep::batch_done(int64_t number) {
  if (number == 0) pending_.push_back({position_.step, lr_, layout_, readback()});
  pending_.back().numbers->copy(batch_numbers_, number * layout_.per_batch());
}

void TrainingStep::section(Section which, const std::function<void()>& work) {
  // Method::begin has been called, and may have changed it.
  if (which == Section::begin && form_ != method_.form()) {
    forget_graphs();
    form_ = method_.form();
  }
  if (!repeatable_) return work();
  std::unique_ptr<cuda::Graph>& graph = graphs_[static_cast<size_t>(which)];
  if (!graph) {
    if (!graph_memory_) graph_memory_ = std::make_unique<GraphMemory>(device_);
    graph = std::make_unique<cuda::Graph>(*graph_memory_, work);
  }
  graph->launch();
  mark_written();
}

// Bump the versions of what a graph has written. It writes weights together with their copies.
void TrainingStep::mark_written() const {
  for (const auto& storage : state_) storage->bump_version();
  for (const auto& copy : converted_) copy->mark_current();
}

Batch TrainingStep::take(Batch batch) {
  if (device_.type == DeviceType::cpu) return batch;
  const bool fits = alike(batch_, batch);
  if (!fits) {
    forget_graphs();
    batch_ = batch;
  }
  const auto bring = [&](Tensor& place, const Tensor& given) {
    if (fits)
      place.copy_from(given);
    else
      place = copy_on(device_, given);
  };
  for (size_t v = 0; v < batch.views.size(); ++v) bring(batch_.views[v], batch.views[v]);
  for (size_t d = 0; d < batch.drawn.size(); ++d) bring(batch_.drawn[d].second, batch.drawn[d].second);
  return batch_;
}

void TrainingStep::forget_graphs() {
  release_graphs();
  repeatable_ = false;
}

void TrainingStep::release_graphs() {
  for (auto& graph : graphs_) graph.reset();
  graph_memory_.reset();
}

std::unique_ptr<Readback> TrainingStep::readback() {
  const int64_t count = step_.options().accumulate * layout_.per_batch() + 1;
  std::erase_if(unused_, [&](const auto& r) { return r->count() != count; });
  if (unused_.empty()) return std::make_unique<Readback>(device_, count);
  std::unique_ptr<Readback> last = std::move(unused_.back());
  unused_.pop_back();
  return last;
}

std::optional<StepResult> TrainingStep::result(bool wait) {
  if (pending_.empty()) return {};
  const Pending& first = pending_.front();
  if (!wait && pending_.size() < most_pending && !first.numbers->ready()) return {};
  const StepResult result = result_of(first);
  unused_.push_back(std::move(pending_.front().numbers));
  pending_.pop_front();
  return result;
}

StepResult TrainingStep::result_of(const Pending& pending) const {
  const std::span<const double> numbers = pending.numbers->numbers();
  const auto& [terms, watched] = pending.layout;
  const auto batches = static_cast<double>(step_.options().accumulate);
  StepResult result{.step = pending.step, .lr = pending.lr, .gradient_norm = numbers.back()};
  for (const std::string& name : terms) result.terms.emplace_back(name, 0);
  for (const double* n = numbers.data(); n != &numbers.back();) {
    const double loss = *n++;
    result.loss += loss / batches;
    for (auto& [name, value] : result.terms) value += *n++ / batches;
    // A sum of squares of float32 numbers is infinite in float64 only if a number was not finite.
    const double* end = n + watched.size();
    const double* broken = std::find_if(n, end, [](double square) { return !std::isfinite(square); });
    if (!std::isfinite(loss))
      throw NotFinite(
          fmt::format("step {}: the loss is {}; the first value that was not finite is in {}; try a lower "
                      "`lr` or `clip-norm`",
                      pending.step, loss, broken == end ? "loss" : watched[static_cast<size_t>(broken - n)]));
    n = end;
  }
  if (!std::isfinite(result.gradient_norm))
    throw NotFinite(
        fmt::format("step {}: the gradient is not finite although the loss is ({}); try a lower `lr` or "
                    "`clip-norm`",
                    pending.step, result.loss));
  return result;
}

}  // namespace minissl
