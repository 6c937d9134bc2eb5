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
  int prefetch = 2;                              ///< batches ready or in progress
  std::optional<Normalization> normalization{};  ///< default: Normalization::imagenet(channels)
  double max_bad_fraction = 0.01;                ///< of the data set's files; Error if more are unreadable
  Device device{};                               ///< where training views are computed and stored
  int64_t resident_bytes = 0;                    ///< on a GPU: for images that are kept there across epochs
  int64_t accumulate = 1;                        ///< batches per optimizer step; an epoch has whole steps only
};

/// The order of an epoch: a permutation of [0, size) that depends on the arguments alone.
std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, int64_t epoch);

/// Endless batches for training. Every epoch has a different order, and its incomplete last step is dropped. A batch
/// depends, bit for bit, on the data, the request, the options other than workers and prefetch, and its number alone:
/// neither the number of threads nor the first batch changes it.
/// An unreadable image is recorded and replaced by another, chosen by (seed, epoch, position).
class TrainingLoader {
 public:
  /// `dataset` must outlive the loader. `first_batch` is the number of the first batch to return, counted over the run.
  /// Throws Error for invalid options, such as a batch larger than the data set.
  TrainingLoader(const Dataset& dataset, BatchRequest request, const LoaderOptions& options, int64_t first_batch = 0);
  ~TrainingLoader();

  /// Waits for the next batch. Throws Error if more than max_bad_fraction of the files are unreadable, and rethrows any
  /// other exception of a worker.
  Batch next();

  int64_t batches_per_epoch() const { return batches_per_epoch_; }
  /// The unreadable files found in the batches returned so far.
  std::vector<BadFile> bad_files() const { return bad_files_.list(); }

 private:
  struct Work;
  std::optional<Prefetcher<std::unique_ptr<Work>>::Opened> open();
  void fill(Work& work, int64_t i) const;
  /// Image `index` or its replacement; undefined if too many can't be read.
  Image load(int64_t& index, const Batch& batch, int64_t position, std::vector<BadFile>& bad) const;
  void render_on_device(Work& work);

  const Dataset& dataset_;
  const BatchRequest request_;
  const LoaderOptions options_;
  const Normalization normalization_;
  const int64_t batches_per_epoch_;
  int64_t next_;        // number of the next batch to open
  int64_t epoch_ = -1;  // epoch of order_
  std::vector<int64_t> order_;
  BadFiles bad_files_;
  std::unique_ptr<DeviceImages> device_images_;                    // null on the CPU
  std::unique_ptr<Prefetcher<std::unique_ptr<Work>>> prefetcher_;  // last: its threads use all of the above
};

/// Evaluation views of images.
struct EvaluationBatch {
  Tensor images;                 ///< (N, size, size, C), normalised
  std::vector<int64_t> indices;  ///< N of them, ascending
  std::vector<int64_t> labels;   ///< -1: none
};

/// The evaluation view of every image of a data set, once and in order. Unreadable images are skipped and recorded, so
/// batches may be shorter than options.batch; the last one may be partial. Device, resident_bytes and accumulate are
/// ignored.
class EvaluationLoader {
 public:
  EvaluationLoader(const Dataset& dataset, const LoaderOptions& options);
  ~EvaluationLoader();

  /// The next batch, never empty; nullopt after the last. Throws like TrainingLoader::next().
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
