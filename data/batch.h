#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "data/augment.h"
#include "tensor/random.h"

/// Batches for training steps, and the requests that describe them.
namespace minissl {

/// Views of each image that share a size and an augmentation, such as two "view"s of 224 pixels or six "local" ones of
/// 96. They are called name1, name2, ..., or just name, if there is one that shows the first view's picture again.
struct ViewGroup {
  std::string name = "view";
  int64_t count = 2;   ///< views of each image
  int64_t size = 224;  ///< height and width in pixels
  Augmentation augmentation{};
  bool of_first = false;  ///< drawn with the first view's random numbers: its picture at another size
};

/// The source of a batch's random numbers other than those of its views: permutations, masks, noise.
struct BatchDraw {
  uint64_t seed = 0;
  int64_t batch = 0;   ///< counted over the run
  int64_t images = 0;  ///< in the batch
  int64_t size = 0;    ///< of the request: height and width of the images in pixels

  /// A separate generator for each `number` and each batch.
  Random random(uint32_t number) const {
    return {seed, RandomSite::batch_draw, static_cast<uint32_t>(batch), 0, number};
  }
  /// A random permutation of 0 ... images - 1, i64.
  Tensor permutation(uint32_t number) const;
};

/// Tensors by name.
using DrawnTensors = std::vector<std::pair<std::string, Tensor>>;

/// What a step needs in each batch.
struct BatchRequest {
  std::vector<ViewGroup> groups;
  std::function<DrawnTensors(const BatchDraw&)> draw = {};  ///< undefined: nothing is drawn

  /// Views per image, over all groups.
  int64_t views() const;
  /// The group of the view with this number, counted over all groups.
  const ViewGroup& group_of(int64_t view) const;
  /// The view whose random numbers a view is drawn with: itself, or the first.
  int draw_number(int64_t view) const { return group_of(view).of_first ? 0 : static_cast<int>(view); }
  /// "view1", "view2", "local1", ..., in the order of Batch::views.
  std::vector<std::string> view_names() const;
  DrawnTensors drawn(const BatchDraw& from) const { return draw ? draw(from) : DrawnTensors(); }
  /// Throws Error if a group has no views or an augmentation is out of range.
  void check() const;
};

/// The input of a training step.
struct Batch {
  std::vector<Tensor> views;     ///< (N, S, S, C) each, normalised, in the order of the groups
  DrawnTensors drawn = {};       ///< result of the request's draw()
  std::vector<int64_t> indices;  ///< of the N images
  int64_t epoch = 0, step = 0;   ///< step: the batch's number within its epoch

  int64_t images() const { return views.front().dim(0); }
  /// The drawn tensor of this name; undefined if there is none.
  Tensor find(const std::string& name) const;
};

}  // namespace minissl
