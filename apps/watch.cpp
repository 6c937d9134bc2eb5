#include "apps/watch.h"

namespace minissl {

CollapseWatch::CollapseWatch(const Dataset& dataset, int64_t samples, const LoaderOptions& options)
    : sample_(sample(dataset, samples, options.seed)), options_(options) {
  require(samples >= 2, "--monitor-samples must be at least 2, not {}", samples);
}

void CollapseWatch::restore(const std::vector<Json>& events) {
  for (const Json& event : events)
    if (is_event(event, "monitor")) {
      backbone_.push_back(collapse_metrics_of(event, "backbone"));
      projection_.push_back(collapse_metrics_of(event, "projection"));
    }
}

CollapseWatch::Look CollapseWatch::look(Method& method, int64_t epoch) {
  const Features features =
      extract_features(sample_, options_, [&](const Tensor& images) { return method.embed(images); });
  backbone_.push_back(collapse_metrics(features.backbone));
  projection_.push_back(collapse_metrics(features.projection));
  const CollapseVerdict backbone = judge_collapse(backbone_);
  const CollapseVerdict projection = judge_collapse(projection_);
  const bool backbone_is_worse = backbone.level >= projection.level;
  const CollapseVerdict& worse = backbone_is_worse ? backbone : projection;
  return {{epoch, backbone_.back(), projection_.back(),
           fmt::format("{} ({})", worse.text, backbone_is_worse ? "backbone" : "projection")},
          worse.level};
}

KnnWatch::KnnWatch(std::unique_ptr<Dataset> train, std::unique_ptr<Dataset> test, const LoaderOptions& options,
                   const KnnOptions& knn, bool projection)
    : train_(std::move(train)), test_(std::move(test)), options_(options), knn_(knn), projection_(projection) {}

void KnnWatch::restore(const std::vector<Json>& events) {
  for (const Json& event : events)
    if (is_event(event, "eval") && event.contains("baseline")) {
      untrained_ = number(event.at("baseline"), "untrained");
      pixels_ = number(event.at("baseline"), "pixels");
    }
}

double KnnWatch::top1(const LoaderOptions& options, const EmbedFunction& embed, bool projection,
                      int64_t& test_images) const {
  const Features test = extract_features(*test_, options, embed);
  test_images = test.backbone.dim(0);
  const Features train = extract_features(*train_, options, embed);
  return knn_accuracy(labelled(*train_, train, *test_, test, projection), knn_).top1;
}

EvalEvent KnnWatch::look(Method& method, int64_t epoch) {
  EvalEvent event{.epoch = epoch};
  event.knn_top1 = top1(
      options_, [&](const Tensor& images) { return method.embed(images); }, projection_, event.n_test);
  if (!untrained_) {
    LoaderOptions pixels = options_;
    pixels.size = pixel_size;
    pixels.dtype = DType::f32;
    untrained_ = event.knn_top1;
    pixels_ = top1(pixels, pixel_embedding, false, event.n_test);
  }
  event.untrained = untrained_;
  event.pixels = pixels_;
  return event;
}

}  // namespace minissl
