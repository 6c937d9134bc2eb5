#include "apps/watch.h"

#include "apps/flags.h"

namespace minissl {

CollapseWatch::CollapseWatch(const Dataset& dataset, int64_t samples, const LoaderOptions& options)
    : sample_(sample(dataset, samples, options.seed)), options_(options) {
  monitor_samples_range.check("monitor-samples", samples);
}

std::vector<CollapseMetrics>& CollapseWatch::looks_at(const std::string& space) {
  for (auto& [name, looks] : history_)
    if (name == space) return looks;
  return history_.emplace_back(space, std::vector<CollapseMetrics>()).second;
}

void CollapseWatch::restore(const std::vector<Json>& events) {
  for (const Json& event : events) {
    if (!is_event(event, "monitor")) continue;
    for (const auto& [space, figures] : event.items())
      if (figures.is_object()) looks_at(space).push_back(collapse_metrics_of(event, space.c_str()));
  }
}

CollapseWatch::Look CollapseWatch::look(const EmbedFunction& embed, double epoch, const TargetMetrics& targets) {
  const Features features = extract_features(sample_, options_, embed);
  Look look{{.epoch = epoch}, CollapseVerdict::Level::healthy};
  // The worst one is the network's.
  const auto take = [&](const CollapseVerdict& verdict, const std::string& of) {
    if (!look.event.verdict.empty() && verdict.level <= look.level) return;
    look.level = verdict.level;
    look.event.verdict = fmt::format("{} ({})", with_flags(verdict.text), of);
  };
  // A loss that names a collapse goes before the embeddings that show it as well.
  const size_t number = history_.empty() ? 1 : history_.front().second.size() + 1;
  if (const auto of_loss = judge_targets(targets, number))
    if (of_loss->level != CollapseVerdict::Level::healthy) take(*of_loss, "loss");
  for (const Space& space : features.spaces) {
    std::vector<CollapseMetrics>& looks = looks_at(space.name);
    looks.push_back(collapse_metrics(space.rows));
    look.event.spaces.emplace_back(space.name, looks.back());
    take(judge_collapse(looks), space.name);
  }
  return look;
}

KnnWatch::KnnWatch(EvaluationSets sets, const LoaderOptions& options, const KnnOptions& knn, std::string space,
                   MakeMethod make_untrained)
    : sets_(std::move(sets)),
      options_(options),
      knn_(knn),
      space_(std::move(space)),
      make_untrained_(std::move(make_untrained)) {}

void KnnWatch::restore(const std::vector<Json>& events) {
  for (const Json& event : events)
    if (is_event(event, "eval") && event.contains("baseline")) {
      untrained_ = number(event.at("baseline"), "untrained");
      pixels_ = number(event.at("baseline"), "pixels");
    }
}

double KnnWatch::top1(const LoaderOptions& options, const EmbedFunction& embed, const std::string& space,
                      int64_t& test_images) const {
  const Features test = extract_features(*sets_.test, options, embed);
  test_images = static_cast<int64_t>(test.indices.size());
  const Features train = extract_features(*sets_.train, options, embed);
  return knn_accuracy(labelled(*sets_.train, train, *sets_.test, test, space), knn_).top1;
}

double KnnWatch::top1(Method& method, int64_t& test_images) const {
  return top1(
      options_, [&](const Tensor& images) { return method.embed(images); }, space_, test_images);
}

EvalEvent KnnWatch::look(Method& method, double epoch) {
  EvalEvent event{.epoch = epoch};
  event.knn_top1 = top1(method, event.n_test);
  if (!untrained_) {
    LoaderOptions pixels = options_;
    pixels.size = pixel_size;
    pixels.dtype = DType::f32;
    untrained_ = epoch > 0 ? top1(*make_untrained_(), event.n_test) : event.knn_top1;
    pixels_ = top1(pixels, pixel_embedding, "pixels", event.n_test);
  }
  event.untrained = untrained_;
  event.pixels = pixels_;
  return event;
}

}  // namespace minissl
