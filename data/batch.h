#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/augment.h"
#include "tensor/random.h"

/// What a training step sees, and what it asks for.
namespace minissl {

/// Views of each image that are made in the same way, such as two "view"s of 224 pixels, or six "local" ones of 96.
/// They are called name1, name2, ...
struct ViewGroup {
  std::string name = "view";
  int64_t count = 2;   ///< views of each image
  int64_t size = 224;  ///< pixels, both ways
  Augmentation augmentation{};
};

/// Where the random numbers of a batch come from that are not those of its views: permutations, masks, noise.
struct BatchDraw {
  uint64_t seed = 0;
  int64_t batch = 0;   ///< counted over the run
  int64_t images = 0;  ///< in the batch

  /// A generator of its own for each `number` and each batch.
  Random random(uint32_t number) const {
    return {seed, RandomSite::batch_draw, static_cast<uint32_t>(batch), 0, number};
  }
  /// A random permutation of 0 ... images - 1, i64.
  Tensor permutation(uint32_t number) const;
};

/// Tensors by name.
using DrawnTensors = std::vector<std::pair<std::string, Tensor>>;

/// What a step asks of each batch.
struct BatchRequest {
  std::vector<ViewGroup> groups;
  std::function<DrawnTensors(const BatchDraw&)> draw = {};  ///< undefined: nothing is drawn

  /// Views of an image, over all groups.
  int64_t views() const;
  /// The group of the view with this number, counted over all groups.
  const ViewGroup& group_of(int64_t view) const;
  /// "view1", "view2", "local1", ..., in the order of Batch::views.
  std::vector<std::string> view_names() const;
  DrawnTensors drawn(const BatchDraw& from) const { return draw ? draw(from) : DrawnTensors(); }
  /// Throws Error for a group without views, or an augmentation that is out of range.
  void check() const;
};

/// What a step sees.
struct Batch {
  std::vector<Tensor> views;     ///< (N, S, S, C) each, normalised, in the order of the groups
  DrawnTensors drawn = {};       ///< what the request's draw() gave
  std::vector<int64_t> indices;  ///< of the images shown, N of them
  int64_t epoch = 0, step = 0;   ///< step: the batch's number within its epoch

  int64_t images() const { return views.front().dim(0); }
  /// What was drawn under this name; undefined where nothing was.
  Tensor find(const std::string& name) const;
};

}  // namespace minissl
