#include "ssl/methods/dino.h"

#include <span>

#include "autograd/functions.h"
#include "ssl/parts/option_ranges.h"
#include "ssl/parts/path_numbers.h"
#include "tensor/ops/distillation.h"

namespace minissl {

void DINOOptions::visit(OptionVisitor& visitor) {
  constexpr Range epochs{0, 1e9};
  visitor.visit_number("dim", dim, {2, 1 << 20}, "outputs of the head");
  visitor.visit_number("hidden", hidden, width_range, "width of the head's hidden layers");
  visitor.visit_number("bottleneck", bottleneck, width_range, "width of the head before its last layer");
  visitor.visit("head-bn", head_bn, "on: batch normalisation in the head");
  visitor.visit("train-norm", train_norm, "on: the last layer's rows have trained lengths, not 1");
  crops.visit(visitor);
  visitor.visit_number("temperature", temperature, temperature_range, "temperature of the student's softmax");
  visitor.visit_number("teacher-temperature", teacher_temperature, temperature_range, "the same for the teacher");
  visitor.visit_number("warmup-teacher-temperature", warmup_teacher_temperature, temperature_range,
                       "its value at first, if it has a warmup");
  visitor.visit_number("warmup-teacher-epochs", warmup_teacher_epochs, epochs, "epochs of this linear warmup");
  visitor.visit_number("center-momentum", center_momentum, {0, 1}, "how slowly the centre follows the outputs");
  momentum.visit(visitor);
  visitor.visit_number("freeze-last-epochs", freeze_last_epochs, epochs,
                       "epochs in which the last layer stays as it is");
  VarianceTerm::visit(visitor, variance_weight);
}

DINO::Network::Network(const DINOOptions& options, const BackboneConfig& config)
    : backbone(config.make()),
      head(backbone->features(), {.hidden = options.hidden,
                                  .bottleneck = options.bottleneck,
                                  .outputs = options.dim,
                                  .batch_norm = options.head_bn,
                                  .train_norm = options.train_norm}) {
  add_child("backbone", *backbone);
  add_child("head", head);
}

DINO::DINO(const DINOOptions& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
    : ProjectionMethod(checked(options).variance_weight),
      options_(options),
      student_(options, backbone),
      teacher_(options, backbone),
      center_(options.dim, options.center_momentum, dtype),
      momentum_(options.momentum, DeviceScope::current()),
      teacher_temperature_(Tensor::full({1}, teacher_temperature(0), DType::f64, DeviceScope::current())) {
  add_child("student", student_);
  add_child("teacher", teacher_);
  add_child("", center_);
  to(dtype);
  student_.initialize(seed);
  online_ = std::make_unique<ParameterArena>(student_);
  target_ = std::make_unique<ParameterArena>(teacher_, ParameterArena::Gradients::none);
  target_->values().copy_from(online_->values());
}

DrawnTensors DINO::draw(const BatchDraw& from) const {
  const Tensor drop =
      draw_path_numbers(*student_.backbone, (2 + options_.crops.local_crops) * from.images, from.random(0));
  return drop.defined() ? DrawnTensors{{"drop", drop}} : DrawnTensors();
}

double DINO::teacher_temperature(int64_t epoch) const {
  const double first = options_.warmup_teacher_temperature, last = options_.teacher_temperature;
  const int64_t epochs = options_.warmup_teacher_epochs;
  if (epoch >= epochs) return last;
  return epochs == 1 ? first : first + (last - first) * static_cast<double>(epoch) / static_cast<double>(epochs - 1);
}

void DINO::begin(const StepPosition& position) {
  epoch_ = position.epoch();
  momentum_.set(position);
  teacher_temperature_.fill(teacher_temperature(epoch_));
}

ParameterRule DINO::rule(const std::string& name, const Shape& shape) const {
  return {.decay = shape.rank() < 2 ? 0.0 : 1.0,
          .frozen = name.starts_with("head.last_layer.") && epoch_ < options_.freeze_last_epochs};
}

Variable DINO::loss(const Batch& batch, StepLog& log) {
  const std::span<const Tensor> crops(batch.views);
  // The teacher first, while the student's graph takes no memory yet. It sees the two global crops (G = 2) alone.
  const Tensor teacher = no_grad([&] {
    return teacher_.head.forward(multi_crop(*teacher_.backbone, crops.first(2))).logits.value();  // (G N, K)
  });
  const ops::SoftTargets target = ops::centered_softmax(teacher, center_.value(), teacher_temperature_);
  teacher_mean_ = OutputCenter::mean(teacher);

  Tensor drop = batch.find("drop");
  if (drop.defined()) drop = drop.to(master_type(crops[0].dtype())).to(crops[0].device());
  const Variable features = multi_crop(*student_.backbone, crops, drop);  // (C N, D): of all crops, global and local
  const DinoHead::Output student = student_.head.forward(features);       // logits (C N, K)
  const auto [loss, pairs] =
      self_distillation(student.logits, target.probabilities, static_cast<int64_t>(crops.size()), options_.temperature);
  const Variable entropy = mean(target.entropy);

  log.tensor("features", features);
  log.tensor("bottleneck", student.bottleneck);
  // Of the large matrices, small results are watched.
  log.tensor_to_inspect("student", pairs, [&] { return student.logits.value(); });
  log.tensor_to_inspect("teacher", target.entropy, [&] { return teacher; });
  log.tensor_to_inspect("target", target.entropy, [&] { return target.probabilities; });
  log.tensor("loss/pairs", pairs);
  log.tensor_to_inspect("center", teacher_mean_, [&] { return center_.moved(teacher_mean_); });
  const Tensor momentum = momentum_.value().tensor();
  log.tensor_to_inspect("momentum", momentum, [&] { return momentum.view({}).clone(); });
  // The cross entropy of the pairs is the sum of the two: of the teacher's, and of its divergence from the student.
  log.term("entropy", entropy);
  log.term("kl", loss - entropy);
  return with_variance(loss, {student.raw}, log);
}

std::vector<Space> DINO::embed(const Tensor& images) {
  const EvaluationScope evaluation(*this);
  const Variable features = teacher_.backbone->forward(images.to(device()));
  return {{"backbone", features.value()}, {"projection", teacher_.head.raw(features).value()}};
}

}  // namespace minissl
