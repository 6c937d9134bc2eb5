#pragma once
#include <optional>
#include <string>

#include "data/augment.h"
#include "ssl/method.h"

namespace minissl {

/// Loads what a method needs of another run (Method::given_weights), if its file was given. Throws Error if the file
/// doesn't fit, or if that run normalised its images in another way than `normalization` says.
void load_given_weights(Method& method, const std::optional<Normalization>& normalization);
/// The same for training, which can't do without: throws Error if the file was not given. `name` is the method's.
void require_given_weights(Method& method, const std::string& name, const Normalization& normalization);

}  // namespace minissl
