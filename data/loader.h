#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/bad_files.h"
#include "data/batch.h"
#include "data/dataset.h"
#include "data/device_images.h"
#include "data/prefetcher.h"

namespace minissl {

struct LoaderOptions {
  int64_t batch = 256;
  int64_t size = 224;  ///< of evaluation views; training views have the sizes of their groups
  int64_t channels = 3;
  DType dtype = DType::f32;  ///< of the views; they are computed in f32
  uint64_t seed = 0;
  int workers = 1;                               ///< threads
  int prefetch = 2;                              ///< batches held ready or in the making
  std::optional<Normalization> normalization{};  ///< none given: Normalization::imagenet(channels)
  double max_bad_fraction = 0.01;                ///< of the data set's files; more unreadable ones are an Error
  Device device{};                               ///< where training views are made, and are
  int64_t resident_bytes = 0;                    ///< on a GPU: for images that stay there from epoch to epoch
  int64_t accumulate = 1;                        ///< batches in an optimizer step: an epoch has whole steps only
};

/// The order of an epoch: a permutation of [0, size), a function of its arguments.
std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, int64_t epoch);

/// Endless batches for training: every epoch in another order, its incomplete last step dropped. A batch is a function
/// of (data, request, options other than workers and prefetch, its number), bit for bit: neither the number of threads
/// nor the place where one starts changes it.
/// An unreadable image is recorded and another one takes its place, chosen by (seed, epoch, position).
class TrainingLoader {
 public:
  /// `dataset` must outlive the loader. `first_batch` is the number of the first batch to give, counted over the run.
  /// Throws Error for options that can't be, such as a batch larger than the data set.
  TrainingLoader(const Dataset& dataset, BatchRequest request, const LoaderOptions& options, int64_t first_batch = 0);
  ~TrainingLoader();

  /// Waits for the next batch. Throws Error when more than max_bad_fraction of the files turned out to be unreadable,
  /// and whatever else went wrong in a worker.
  Batch next();

  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  /// Those met in the batches handed out so far.
  std::vector<BadFile> bad_files() const { return bad_files_.list(); }

 private:
  struct Work;
  std::optional<Prefetcher<std::unique_ptr<Work>>::Opened> open();
  void fill(Work& work, int64_t i) const;
  /// Image `index`, or the one that takes its place; undefined when too many can't be read.
  Image load(int64_t& index, const Batch& batch, int64_t position, std::vector<BadFile>& bad) const;
  void render_on_device(Work& work);

  const Dataset& dataset_;
  const BatchRequest request_;
  const LoaderOptions options_;
  const Normalization normalization_;
  const int64_t batches_per_epoch_;
  int64_t next_;        // number of the next batch to open
  int64_t epoch_ = -1;  // that order_ is of
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
/// batches may be shorter than options.batch; the last one is partial. Device, resident_bytes and accumulate mean
/// nothing here.
class EvaluationLoader {
 public:
  EvaluationLoader(const Dataset& dataset, const LoaderOptions& options);
  ~EvaluationLoader();

  /// The next batch, never an empty one; nothing after the last. Throws as TrainingLoader::next().
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
