#include "apps/given_weights.h"

#include <cmath>

#include "apps/model_file.h"
#include "nn/state_file.h"

namespace minissl {
namespace {

// Data of which means and deviations were measured twice, on other samples, still count as the same.
bool is_alike(const Normalization& a, const Normalization& b, int64_t channels) {
  constexpr float share = 0.02F;  // of a standard deviation
  for (size_t c = 0; c < static_cast<size_t>(channels); ++c) {
    const float allowed = share * b.std[c];
    if (std::abs(a.mean[c] - b.mean[c]) > allowed || std::abs(a.std[c] - b.std[c]) > allowed) return false;
  }
  return true;
}

void require_same_images(const SafetensorsReader& file, const Normalization& normalization, int64_t channels) {
  const Metadata& metadata = file.metadata();
  if (!metadata.contains("mean") || !metadata.contains("std") || !metadata.contains("channels")) return;
  require(metadata.at("channels") == std::to_string(channels),
          "{}: it was trained on images with --channels {}, not {}", file.path().string(), metadata.at("channels"),
          channels);
  require(is_alike(read_normalization(metadata, channels, file.path().string()), normalization, channels),
          "{}: it was trained on images with mean {} and deviation {} of their colours; give the --normalization of "
          "that run",
          file.path().string(), metadata.at("mean"), metadata.at("std"));
}

}  // namespace

void load_given_weights(Method& method, const std::optional<TrainedImages>& images) {
  const std::optional<GivenWeights> given = method.given_weights();
  if (!given || given->file.empty()) return;
  const SafetensorsReader file(given->file);
  if (images) require_same_images(file, images->normalization, images->channels);
  load_state(*given->part, file, given->prefix);
}

void require_given_weights(Method& method, const std::string& name, const TrainedImages& images) {
  const std::optional<GivenWeights> given = method.given_weights();
  require(!given || !given->file.empty(), "{} needs --{} FILE: {} writes one", name, given ? given->option : "",
          given ? given->written_by : "");
  load_given_weights(method, images);
}

}  // namespace minissl
