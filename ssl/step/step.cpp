#include "ssl/step/step.h"

#include "tensor/ops/clip.h"
#include "tensor/ops/update.h"

namespace minissl {

Step::Step(Method& method, Optimizer& optimizer, const StepOptions& options)
    : method_(method),
      optimizer_(optimizer),
      options_(options),
      group_(Group::current()),
      squared_norm_(Tensor::zeros({1}, DType::f64, method.device())),
      gradient_norm_(Tensor::zeros_like(squared_norm_)),
      gradient_scale_(Tensor::zeros_like(squared_norm_)) {
  require(options.accumulate > 0, "a step needs a batch");
}

void Step::run(const StepPosition& position, const StepRates& rates, const std::function<Batch()>& next_batch,
               StepObserver& observer) {
  using Section = StepObserver::Section;
  method_.begin(position);
  optimizer_.begin_step(rates);
  observer.section(Section::begin, [this] { begin(); });
  for (int64_t b = 0; b < options_.accumulate; ++b) {
    const Batch taken = observer.take(next_batch());
    observer.section(Section::batch, [&] { batch(taken, observer); });
    observer.batch_done(b);
  }
  observer.section(Section::end, [&] { end(observer); });
}

void Step::begin() {
  method_.online().zero_gradients();
  method_.before_batches();
}

void Step::batch(const Batch& batch, StepObserver& observer) {
  StepLog log(observer.keep());
  const PlanScope plan(options_.recompute);
  const Variable loss = method_.loss(batch, log);
  observer.before_backward(loss, log);
  backward(loss);
  method_.after_backward();
  observer.after_batch(loss, log);
}

void Step::end(StepObserver& observer) {
  observer.before_update();
  group_.all_sum(method_.online().gradients());
  minissl::run(ops::SquaredNorm{method_.online().gradients(), squared_norm_});
  const int64_t batches = options_.accumulate * group_.size();
  const bool each = method_.clip() == Method::Clip::each;
  minissl::run(
      ops::GradientScale{squared_norm_, gradient_norm_, gradient_scale_, batches, each ? 0 : options_.clip_norm});
  if (each && options_.clip_norm > 0)
    minissl::run(ops::ClipEach{method_.online().gradients(), optimizer_.pieces(), batches, options_.clip_norm});
  observer.clipped(gradient_scale_);
  method_.after_batches(options_.accumulate);
  optimizer_.update(gradient_scale_, method_.follower());
}

}  // namespace minissl
