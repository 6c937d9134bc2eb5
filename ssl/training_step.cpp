#include "ssl/training_step.h"

#include <algorithm>
#include <cmath>

#include "tensor/dry_run.h"
#include "tensor/ops/update.h"
#include "tensor/profile.h"

namespace minissl {
namespace {

// How many steps the host asks for before it waits for the result of the first.
constexpr size_t most_pending = 3;

Tensor number_on(Device device) { return Tensor::zeros({1}, DType::f64, device); }

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

}  // namespace

TrainingStep::TrainingStep(Method& method, Optimizer& optimizer, const TrainingStepOptions& options)
    : method_(method),
      optimizer_(optimizer),
      options_(options),
      device_(method.device()),
      squared_norm_(number_on(device_)),
      gradient_norm_(number_on(device_)),
      gradient_scale_(number_on(device_)) {
  require(options.accumulate > 0, "a step needs a batch");
  for (const StateEntry& e : method.state()) {
    state_.insert(e.tensor().storage());
    if (e.converted) converted_.insert(*e.converted);
  }
}

TrainingStep::~TrainingStep() = default;

void TrainingStep::run(const StepPosition& position, const StepRates& rates, const std::function<Views()>& next_batch) {
  if (variance_weight_ != method_.variance_weight()) begin_anew();
  variance_weight_ = method_.variance_weight();
  for (const auto& copy : converted_) copy->refresh();
  method_.set_position(position);
  optimizer_.begin_step(rates);
  do_section(begin_, [this] { begin(); });
  for (int64_t b = 0; b < options_.accumulate; ++b) {
    const Views views = take(next_batch());
    do_section(batch_, [&] { batch(views); });
    if (b == 0) pending_.push_back({position.step, rates.lr, layout_, readback()});
    pending_.back().numbers->copy(batch_numbers_, b * layout_.per_batch());
  }
  do_section(end_, [this] { end(); });
  pending_.back().numbers->copy(gradient_norm_, options_.accumulate * layout_.per_batch());
  pending_.back().numbers->finish();
  repeatable_ = options_.cuda_graph && device_.type == DeviceType::cuda && !Profile::active() && !DryRun::active();
}

void TrainingStep::begin() {
  method_.online().zero_gradients();
  method_.before_step();
}

void TrainingStep::batch(const Views& views) {
  StepLog log;
  const Variable loss = with_plan(options_.recompute, [&] { return method_.loss(views, log); });
  backward(loss);
  method_.after_backward();

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

void TrainingStep::end() {
  minissl::run(ops::SquaredNorm{method_.online().gradients(), squared_norm_});
  minissl::run(
      ops::GradientScale{squared_norm_, gradient_norm_, gradient_scale_, options_.accumulate, options_.clip_norm});
  optimizer_.update(gradient_scale_, method_.follower());
}

void TrainingStep::do_section(std::unique_ptr<cuda::Graph>& graph, const std::function<void()>& section) {
  if (!repeatable_) return section();
  if (!graph) {
    if (!graph_memory_) graph_memory_ = std::make_unique<GraphMemory>(device_);
    graph = std::make_unique<cuda::Graph>(*graph_memory_, section);
  }
  graph->launch();
  mark_written();
}

// Who looks at versions must not miss what a graph has written. It writes weights with their copies.
void TrainingStep::mark_written() const {
  for (const auto& storage : state_) storage->bump_version();
  for (const auto& copy : converted_) copy->mark_current();
}

Views TrainingStep::take(Views views) {
  if (device_.type == DeviceType::cpu) return views;
  const std::pair<Tensor*, Tensor*> places[] = {{&views_.view1, &views.view1},
                                                {&views_.view2, &views.view2},
                                                {&views_.shuffle, &views.shuffle},
                                                {&views_.shuffle_sym, &views.shuffle_sym}};
  const bool fits =
      std::all_of(std::begin(places), std::end(places), [](const auto& p) { return alike(*p.first, *p.second); });
  if (!fits) begin_anew();
  for (const auto& [place, given] : places)
    if (!fits)
      *place = copy_on(device_, *given);
    else if (given->defined())
      place->copy_from(*given);
  return views_;
}

void TrainingStep::begin_anew() {
  release_graphs();
  repeatable_ = false;
}

void TrainingStep::release_graphs() {
  begin_.reset();
  batch_.reset();
  end_.reset();
  graph_memory_.reset();
}

std::unique_ptr<Readback> TrainingStep::readback() {
  const int64_t count = options_.accumulate * layout_.per_batch() + 1;
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
  const auto batches = static_cast<double>(options_.accumulate);
  StepResult result{.step = pending.step, .lr = pending.lr, .gradient_norm = numbers.back()};
  for (const std::string& name : terms) result.terms.emplace_back(name, 0);
  for (const double* n = numbers.data(); n != &numbers.back();) {
    const double loss = *n++;
    result.loss += loss / batches;
    for (auto& [name, value] : result.terms) value += *n++ / batches;
    // A square of float32 numbers overflows float64 only where they were not finite.
    const double* end = n + watched.size();
    const double* broken = std::find_if(n, end, [](double square) { return !std::isfinite(square); });
    require(std::isfinite(loss),
            "step {}: the loss is {}; the first value that was not finite is in {}; try a lower "
            "--lr or --clip-norm",
            pending.step, loss, broken == end ? "loss" : watched[static_cast<size_t>(broken - n)]);
    n = end;
  }
  require(std::isfinite(result.gradient_norm),
          "step {}: the gradient is not finite although the loss is ({}); try a lower --lr or "
          "--clip-norm",
          pending.step, result.loss);
  return result;
}

}  // namespace minissl
