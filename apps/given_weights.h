#pragma once
#include <optional>
#include <string>

#include "data/augment.h"
#include "ssl/method.h"

namespace minissl {

/// The images that a run trains on.
struct TrainedImages {
  Normalization normalization;
  int64_t channels;
};

/// Loads what a method needs of another run (Method::given_weights), if its file was given. Throws Error if the file
/// doesn't fit, or if that run trained on other images than `images` says.
void load_given_weights(Method& method, const std::optional<TrainedImages>& images);
/// The same for training, which can't do without: throws Error if the file was not given. `name` is the method's.
void require_given_weights(Method& method, const std::string& name, const TrainedImages& images);

}  // namespace minissl
