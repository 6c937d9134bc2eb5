#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/augment.h"
#include "data/bad_files.h"
#include "data/dataset.h"
#include "data/device_images.h"
#include "data/prefetcher.h"

namespace minissl {

struct LoaderOptions {
  int64_t batch = 256;
  int64_t size = 224;  ///< of the views
  int64_t channels = 3;
  DType dtype = DType::f32;  ///< of the views; they are computed in f32
  uint64_t seed = 0;
  int workers = 1;   ///< threads
  int prefetch = 2;  ///< batches held ready or in the making
  Augmentation augmentation{};
  std::optional<Normalization> normalization{};  ///< none given: Normalization::imagenet(channels)
  double max_bad_fraction = 0.01;                ///< of the data set's files; more unreadable ones are an Error
  Device device{};                               ///< where training views are made, and are
  int64_t resident_bytes = 0;                    ///< on a GPU: for images that stay there from epoch to epoch
};

/// Two views of each of some images.
struct Batch {
  Tensor view1, view2;           ///< (N, size, size, C), normalised, on LoaderOptions::device
  std::vector<int64_t> indices;  ///< the images shown, N of them
  int64_t epoch = 0, step = 0;   ///< step: the batch's number within its epoch
};

/// The order of an epoch: a permutation of [0, size), a function of its arguments.
std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, int64_t epoch);

/// Endless batches for training: every epoch in another order, its incomplete last batch dropped. What comes out is a
/// function of (data, options but for workers and prefetch, epoch, step), bit for bit: of the number of threads and of
/// the place where one starts nothing is seen.
/// An unreadable image is recorded and another one takes its place, chosen by (seed, epoch, position).
class TwoViewLoader {
 public:
  /// `dataset` must outlive the loader. Throws Error for options that can't be, such as a batch larger than the data
  /// set.
  TwoViewLoader(const Dataset& dataset, const LoaderOptions& options, int64_t start_epoch = 0, int64_t start_step = 0);

  ~TwoViewLoader();

  /// Waits for the next batch. Throws Error when more than max_bad_fraction of the files turned out to be unreadable,
  /// and whatever else went wrong in a worker.
  Batch next();

  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  /// Those met in the batches handed out so far.
  std::vector<BadFile> bad_files() const { return bad_files_.list(); }

 private:
  struct Work;
  std::optional<Prefetcher<std::unique_ptr<Work>>::Opened> open();
  void fill(Work& work, int64_t i) const;
  void render_on_device(Work& work);

  const Dataset& dataset_;
  const LoaderOptions options_;
  const Normalization normalization_;
  const int64_t steps_per_epoch_;
  int64_t epoch_, step_;  // of the next batch to open
  std::vector<int64_t> order_;
  BadFiles bad_files_;
  std::unique_ptr<DeviceImages> device_images_;                    // null on the CPU
  std::unique_ptr<Prefetcher<std::unique_ptr<Work>>> prefetcher_;  // last: its threads use all of the above
};

/// Images as an encoder is tested on them.
struct EvaluationBatch {
  Tensor images;                 ///< (N, size, size, C), normalised
  std::vector<int64_t> indices;  ///< N of them, ascending
  std::vector<int64_t> labels;   ///< -1: none
};

/// Every image of a data set once, in order, as its evaluation view. Unreadable ones are left out and recorded, so that
/// batches may be shorter than options.batch; the last one is partial. Of the options it heeds batch, size, channels,
/// dtype, workers, prefetch, normalization and max_bad_fraction.
class EvaluationLoader {
 public:
  EvaluationLoader(const Dataset& dataset, const LoaderOptions& options);
  ~EvaluationLoader();

  /// The next batch, never an empty one; nothing after the last. Throws as TwoViewLoader::next().
  std::optional<EvaluationBatch> next();
  std::vector<BadFile> bad_files() const { return bad_files_.list(); }

 private:
  struct Work;

  const Dataset& dataset_;
  const LoaderOptions options_;
  const Normalization normalization_;
  int64_t opened_ = 0;  // images
  BadFiles bad_files_;
  std::unique_ptr<Prefetcher<std::unique_ptr<Work>>> prefetcher_;
};

}  // namespace minissl
