#pragma once
#include <functional>
#include <string>
#include <vector>

#include "data/loader.h"
#include "data/subset.h"
#include "eval/accuracy.h"
#include "ssl/method.h"

namespace minissl {

/// Embeddings of many images, row by row.
struct Features {
  std::vector<Space> spaces;     ///< f32 (N, D), on the CPU; the backbone's first
  std::vector<int64_t> labels;   ///< -1: none
  std::vector<int64_t> indices;  ///< in the data set

  /// The rows of a space; undefined if the encoder has no space of that name.
  Tensor find(const std::string& space) const;
};

/// Images per batch.
inline constexpr int64_t embedding_batch = 64;

using EmbedFunction = std::function<std::vector<Space>(const Tensor& images)>;
/// Takes the embeddings of a batch.
using FeatureSink = std::function<void(const Features& of_batch)>;

/// Embeds the evaluation view of every image of a data set, batch by batch, in order. Unreadable images are skipped and
/// added to `bad_files`. Throws Error, naming the first image, for features that are not finite, and Stopped if a
/// signal requests a stop.
void for_each_feature_batch(const Dataset& dataset, const LoaderOptions& options, const EmbedFunction& embed,
                            std::vector<BadFile>* bad_files, const FeatureSink& sink);

/// The embeddings of all images together; `progress` receives the number of images done.
Features extract_features(const Dataset& dataset, const LoaderOptions& options, const EmbedFunction& embed,
                          std::vector<BadFile>* bad_files = nullptr, const std::function<void(int64_t)>& progress = {});

/// `count` images (or all), drawn by the seed, so that every evaluation of a run uses the same ones.
/// The data set must outlive them.
Subset sample(const Dataset& dataset, int64_t count, uint64_t seed);

/// Raw pixels as features, in a space called "pixels": 32 x 32 evaluation views, each standardised by its own mean and
/// deviation. A baseline for encoders.
std::vector<Space> pixel_embedding(const Tensor& images);
inline constexpr int64_t pixel_size = 32;

/// The rows of a space. Throws Error, with what to do, if the encoder has no space of that name.
Tensor required_space(const Features& features, const std::string& space);

/// Features in one space ("backbone") of a labelled training set and a labelled test set.
/// Throws Error if their classes differ, there are none, or the encoder has no such space.
LabelledFeatures labelled(const Dataset& train, const Features& train_features, const Dataset& test,
                          const Features& test_features, const std::string& space);

}  // namespace minissl
