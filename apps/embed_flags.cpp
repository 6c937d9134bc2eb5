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

Features EmbedFlags::extract(const Dataset& dataset, const ModelDescription& model, int64_t size, DType dtype,
                             const EmbedFunction& embed, const char* what) const {
  LoaderOptions options{.batch = embedding_batch,
                        .size = size,
                        .channels = model.network.channels,
                        .dtype = dtype,
                        .seed = common.seed,
                        .workers = workers};
  options.normalization = model.normalization;
  options.max_bad_fraction = max_bad_fraction;
  Progress progress(dataset.size(), "image");
  std::vector<BadFile> bad;
  Features features =
      extract_features(dataset, options, embed, &bad, [&](int64_t done) { progress.update(done, what); });
  for (const BadFile& file : bad) progress.log(fmt::format("skipped {}: {}", file.name, file.reason));
  return features;
}

}  // namespace minissl
