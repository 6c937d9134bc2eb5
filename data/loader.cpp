#include "data/loader.h"

#include <algorithm>
#include <numeric>

#include "data/device_views.h"
#include "tensor/random.h"

namespace minissl {
namespace {

// Values of Random's `view` at RandomSite::shuffle.
constexpr uint32_t order_numbers = 0, replacement_numbers = 1;

void check_options(const Dataset& dataset, const LoaderOptions& options) {
  require(dataset.size() > 0, "the data set has no images");
  require(options.batch > 0, "`batch` must be at least 1, not {}", options.batch);
  require(options.size > 0 && options.size <= 8192, "`size` must be 1 to 8192, not {}", options.size);
  require(is_floating(options.dtype), "images are f32, bf16 or f64, not {}", name_of(options.dtype));
  require(options.channels == 1 || options.channels == 3, "`channels` must be 1 or 3, not {}", options.channels);
}

Normalization normalization_of(const LoaderOptions& options) {
  return options.normalization.value_or(Normalization::imagenet(options.channels));
}

Tensor empty_views(int64_t count, int64_t size, const LoaderOptions& options) {
  const TagScope tag(MemoryTag::data);
  return Tensor::empty({count, size, size, options.channels}, options.dtype);
}

// The images of a tensor, writable from many threads: accessing elements through the tensor itself counts as a write.
class Pictures {
 public:
  Pictures() = default;
  explicit Pictures(const Tensor& batch) : dtype_(batch.dtype()), numel_(batch.numel() / batch.dim(0)) {
    visit_dtype(dtype_, [&](auto type) { begin_ = batch.mutable_data<decltype(type)>(); });
  }
  /// Calls draw(float* image) and stores the result as image i.
  template <class F>
  void write(int64_t i, F&& draw) const {
    visit_dtype(dtype_, [&](auto type) {
      using T = decltype(type);
      T* image = static_cast<T*>(begin_) + i * numel_;
      if constexpr (std::is_same_v<T, float>) {
        draw(image);
      } else {
        std::vector<float> pixels(static_cast<size_t>(numel_));
        draw(pixels.data());
        std::transform(pixels.begin(), pixels.end(), image, [](float v) { return static_cast<T>(v); });
      }
    });
  }

 private:
  DType dtype_ = DType::f32;
  int64_t numel_ = 0;
  void* begin_ = nullptr;
};

}  // namespace

std::vector<int64_t> epoch_order(int64_t size, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t{0});
  const Random random(seed, RandomSite::shuffle, static_cast<uint32_t>(epoch), 0, order_numbers);
  shuffle(std::span(order), random);
  return order;
}

// ---- TrainingLoader ----

struct TrainingLoader::Work {
  Batch batch;
  std::vector<Pictures> views;                     // of the batch, one per view
  std::vector<std::vector<DeviceView>> on_device;  // instead, when a GPU renders the views; pixels may be on the host
  std::vector<std::vector<BadFile>> bad_files;     // by position in the batch
};

TrainingLoader::TrainingLoader(const Dataset& dataset, BatchRequest request, const LoaderOptions& options,
                               int64_t first_batch)
    : dataset_(dataset),
      request_(std::move(request)),
      options_(options),
      normalization_(normalization_of(options)),
      batches_per_epoch_(options.batch > 0 && options.accumulate > 0
                             ? dataset.size() / options.batch / options.accumulate * options.accumulate
                             : 0),
      next_(first_batch),
      bad_files_(dataset, options.max_bad_fraction) {
  check_options(dataset, options);
  request_.check();
  require(batches_per_epoch_ > 0, "`batch` {}{} is more than the data set's {} images; use a smaller batch",
          options.batch, options.accumulate > 1 ? fmt::format(" x `accumulate` {}", options.accumulate) : "",
          dataset.size());
  require(first_batch >= 0, "batches are counted from 0, not {}", first_batch);
  if (options.device.type == DeviceType::cuda)
    device_images_ = std::make_unique<DeviceImages>(dataset.size(), options.device, options.resident_bytes);
  prefetcher_ = std::make_unique<Prefetcher<std::unique_ptr<Work>>>(
      options.workers, options.prefetch, [this] { return open(); },
      [this](std::unique_ptr<Work>& work, int64_t i) { fill(*work, i); });
}

TrainingLoader::~TrainingLoader() = default;

std::optional<Prefetcher<std::unique_ptr<TrainingLoader::Work>>::Opened> TrainingLoader::open() {
  if (const int64_t epoch = next_ / batches_per_epoch_; epoch != epoch_) {
    epoch_ = epoch;
    order_ = epoch_order(dataset_.size(), options_.seed, epoch);
  }
  auto work = std::make_unique<Work>();
  Batch& batch = work->batch;
  for (int64_t view = 0; view < request_.views(); ++view) {
    if (device_images_) {
      work->on_device.emplace_back(static_cast<size_t>(options_.batch));
    } else {
      batch.views.push_back(empty_views(options_.batch, request_.group_of(view).size, options_));
      work->views.emplace_back(batch.views.back());
    }
  }
  batch.drawn = request_.drawn({options_.seed, next_, options_.batch});
  batch.epoch = epoch_, batch.step = next_++ % batches_per_epoch_;
  const auto first = order_.begin() + batch.step * options_.batch;
  batch.indices.assign(first, first + options_.batch);
  work->bad_files.resize(batch.indices.size());
  return {{std::move(work), options_.batch}};
}

Image TrainingLoader::load(int64_t& index, const Batch& batch, int64_t position, std::vector<BadFile>& bad) const {
  const Random random(options_.seed, RandomSite::shuffle, static_cast<uint32_t>(batch.epoch),
                      static_cast<uint32_t>(batch.step * options_.batch + position), replacement_numbers);
  const int64_t asked = index;
  for (;;) {
    if (device_images_)
      if (Image image{device_images_->find(index)}; image.pixels.defined()) return image;
    const Loaded loaded = try_load(dataset_, index, options_.channels);
    if (loaded.ok()) return loaded.image;
    bad.push_back({index, dataset_.name(index), loaded.reason});
    const auto count = static_cast<int64_t>(bad.size());
    // These are all different files and too many, so next() will throw: no replacement needed.
    if (count > bad_files_.allowed()) return {};
    require(count < dataset_.size(), "none of the {} images can be read; {}: {}", count, bad.back().name,
            loaded.reason);
    // A random image first, then its successors, so that the search ends even if most are bad.
    index = count == 1 ? int64_t{random.below(0, static_cast<uint32_t>(dataset_.size()))} : index + 1;
    index %= dataset_.size();
    if (index == asked) index = (index + 1) % dataset_.size();
  }
}

void TrainingLoader::fill(Work& work, int64_t i) const {
  const auto position = static_cast<size_t>(i);
  int64_t& index = work.batch.indices[position];
  const Image image = load(index, work.batch, i, work.bad_files[position]);
  if (!image.pixels.defined()) return;
  int view = 0;
  for (const ViewGroup& group : request_.groups)
    for (int64_t k = 0; k < group.count; ++k, ++view) {
      const auto parameters = draw_view(group.augmentation, image.height(), image.width(), group.size, options_.seed,
                                        work.batch.epoch, index, request_.draw_number(view));
      const auto at = static_cast<size_t>(view);
      if (device_images_)
        work.on_device[at][position] = {image.pixels, parameters};
      else
        work.views[at].write(i, [&](float* out) { render_view(image, parameters, normalization_, out); });
    }
}

void TrainingLoader::render_on_device(Work& work) {
  for (size_t i = 0; i < work.batch.indices.size(); ++i) {
    const Tensor pixels = device_images_->bring(work.batch.indices[i], work.on_device[0][i].pixels);
    for (auto& views : work.on_device) views[i].pixels = pixels;
  }
  for (const auto& views : work.on_device)
    work.batch.views.push_back(render_views(views, normalization_).to(options_.dtype));
}

Batch TrainingLoader::next() {
  auto work = std::move(prefetcher_->next().value());
  for (const auto& files : work->bad_files)
    for (const BadFile& file : files) bad_files_.record(file);
  bad_files_.check();
  if (device_images_) render_on_device(*work);
  return std::move(work->batch);
}

// ---- EvaluationLoader ----

struct EvaluationLoader::Work {
  EvaluationBatch batch;
  Pictures images;
  std::vector<std::optional<BadFile>> bad_files;  // by position in the batch
};

EvaluationLoader::EvaluationLoader(const Dataset& dataset, const LoaderOptions& options)
    : dataset_(dataset),
      options_(options),
      normalization_(normalization_of(options)),
      bad_files_(dataset, options.max_bad_fraction) {
  check_options(dataset, options);
  using Loader = Prefetcher<std::unique_ptr<Work>>;
  const auto open = [this]() -> std::optional<Loader::Opened> {
    const int64_t count = std::min(options_.batch, dataset_.size() - opened_);
    if (count == 0) return std::nullopt;
    auto work = std::make_unique<Work>();
    work->batch.images = empty_views(count, options_.size, options_);
    work->images = Pictures(work->batch.images);
    for (int64_t i = 0; i < count; ++i, ++opened_) {
      work->batch.indices.push_back(opened_);
      work->batch.labels.push_back(dataset_.label(opened_));
    }
    work->bad_files.resize(static_cast<size_t>(count));
    return {{std::move(work), count}};
  };
  const auto fill = [this](std::unique_ptr<Work>& work, int64_t i) {
    const int64_t index = work->batch.indices[static_cast<size_t>(i)];
    const auto [image, reason] = try_load(dataset_, index, options_.channels);
    if (!reason.empty()) {
      work->bad_files[static_cast<size_t>(i)] = BadFile{index, dataset_.name(index), reason};
      return;
    }
    const ViewParameters view = evaluation_view(image.height(), image.width(), options_.size);
    work->images.write(i, [&, &pixels = image](float* out) { render_view(pixels, view, normalization_, out); });
  };
  prefetcher_ = std::make_unique<Loader>(options.workers, options.prefetch, open, fill);
}

EvaluationLoader::~EvaluationLoader() = default;

std::optional<EvaluationBatch> EvaluationLoader::next() {
  while (auto next = prefetcher_->next()) {
    Work& work = **next;
    EvaluationBatch& batch = work.batch;
    size_t kept = 0;
    for (size_t i = 0; i < work.bad_files.size(); ++i) {
      if (const auto& bad = work.bad_files[i]) {
        bad_files_.record(*bad);
        continue;
      }
      if (kept != i) {
        const auto to = static_cast<int64_t>(kept), from = static_cast<int64_t>(i);
        batch.images.rows(to, to + 1).copy_from(batch.images.rows(from, from + 1));
        batch.indices[kept] = batch.indices[i], batch.labels[kept] = batch.labels[i];
      }
      ++kept;
    }
    bad_files_.check();
    batch.images = batch.images.rows(0, static_cast<int64_t>(kept));
    batch.indices.resize(kept), batch.labels.resize(kept);
    if (kept) return std::move(batch);
  }
  return std::nullopt;
}

}  // namespace minissl
