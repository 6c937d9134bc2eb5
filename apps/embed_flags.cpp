#include "apps/embed_flags.h"

#include "apps/open_data.h"
#include "apps/run/progress.h"

namespace minissl {

void EmbedFlags::add_to(CLI::App& command) {
  add_flag(command, "weights", weights, "a run's backbone.safetensors or checkpoint, or a torchvision state dict",
           {.required = true});
  add_flag(command, "workers", workers, "decoding threads", {.range = workers_range});
  add_flag(command, "max-bad-fraction", max_bad_fraction, "fraction of the files that may be unreadable",
           {.range = fraction_range});
  add_flag(command, "max-value", max_value, "white level of 16-bit images (0: that of the training)",
           {.range = white_level_range});
  network.add_to(command);
  common.add_to(command);
}

std::unique_ptr<Dataset> EmbedFlags::open(const std::string& spec, const ModelDescription& model, int otherwise) const {
  const int white = max_value ? max_value : model.max_value ? model.max_value : otherwise;
  return open_data(spec, model.network.channels, common.seed, white);
}

LoaderOptions EmbedFlags::loader_options(const ModelDescription& model, int64_t size, DType dtype) const {
  LoaderOptions options{.batch = embedding_batch,
                        .size = size,
                        .channels = model.network.channels,
                        .dtype = dtype,
                        .seed = common.seed,
                        .workers = workers};
  options.normalization = model.normalization;
  options.max_bad_fraction = max_bad_fraction;
  return options;
}

namespace {

void log_skipped(Progress& progress, const std::vector<BadFile>& bad) {
  for (const BadFile& file : bad) progress.log(fmt::format("skipped {}: {}", file.name, file.reason));
}

}  // namespace

Features EmbedFlags::extract(const Dataset& dataset, const ModelDescription& model, int64_t size, DType dtype,
                             const EmbedFunction& embed, const char* what) const {
  Progress progress(dataset.size(), "image");
  std::vector<BadFile> bad;
  Features features = extract_features(dataset, loader_options(model, size, dtype), embed, &bad,
                                       [&](int64_t done) { progress.update(done, what); });
  log_skipped(progress, bad);
  return features;
}

void EmbedFlags::extract(const Dataset& dataset, const ModelDescription& model, int64_t size, DType dtype,
                         const EmbedFunction& embed, const char* what, const FeatureSink& sink) const {
  Progress progress(dataset.size(), "image");
  std::vector<BadFile> bad;
  int64_t done = 0;
  for_each_feature_batch(dataset, loader_options(model, size, dtype), embed, &bad, [&](const Features& batch) {
    sink(batch);
    progress.update(done += static_cast<int64_t>(batch.indices.size()), what);
  });
  log_skipped(progress, bad);
}

}  // namespace minissl
