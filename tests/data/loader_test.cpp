#include "data/loader.h"

#include <algorithm>
#include <chrono>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <set>
#include <thread>

#include "data/decode/decode.h"

namespace minissl {
namespace {

using testing::HasSubstr;

/// Flat images whose gray is their index; some are unreadable, some throw an unexpected exception.
class FakeData final : public Dataset {
 public:
  explicit FakeData(int64_t size, std::set<int64_t> bad = {}, std::set<int64_t> fatal = {})
      : size_(size), bad_(std::move(bad)), fatal_(std::move(fatal)) {}
  int64_t size() const override { return size_; }
  Image load(int64_t i) const override {
    if (fatal_.contains(i)) throw std::bad_alloc();
    if (bad_.contains(i)) throw ImageError("/data/" + name(i), "it is bad");
    if (delay_ms) std::this_thread::sleep_for(std::chrono::milliseconds((i * 7) % delay_ms));
    return {Tensor::full({12, 10, 1}, static_cast<double>(i % 250), DType::u8)};
  }
  int64_t label(int64_t i) const override { return i % 4; }
  std::string name(int64_t i) const override { return "image" + std::to_string(i) + ".png"; }
  const std::vector<std::string>& class_names() const override { return names_; }
  int delay_ms = 0;

 private:
  int64_t size_;
  std::set<int64_t> bad_, fatal_;
  std::vector<std::string> names_{"a", "b", "c", "d"};
};

LoaderOptions options(int64_t batch = 4, int workers = 2) {
  LoaderOptions o;
  o.batch = batch, o.size = 8, o.channels = 1, o.seed = 5, o.workers = workers, o.max_bad_fraction = 0.5;
  return o;
}

// Two views of 8 pixels, and a permutation.
BatchRequest two_views(const Augmentation& augmentation = {}) {
  return {{{.count = 2, .size = 8, .augmentation = augmentation}}, [](const BatchDraw& from) {
            return DrawnTensors{{"order", from.permutation(0)}};
          }};
}

struct Seen {
  std::vector<int64_t> indices;
  std::vector<double> view1, view2, order;
  int64_t epoch, step;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> take(TrainingLoader& loader, int count) {
  std::vector<Seen> seen;
  for (int i = 0; i < count; ++i) {
    const Batch b = loader.next();
    seen.push_back({b.indices, b.views.at(0).to_vector(), b.views.at(1).to_vector(), b.find("order").to_vector(),
                    b.epoch, b.step});
  }
  return seen;
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(TrainingLoader, BatchesHaveTheirShapesAndNumbers) {
  const FakeData data(11);
  LoaderOptions o = options();
  o.channels = 3;
  TrainingLoader loader(data, two_views(), o);
  EXPECT_EQ(loader.batches_per_epoch(), 2);  // the incomplete last one is dropped
  for (int64_t i = 0; i < 5; ++i) {
    const Batch b = loader.next();
    EXPECT_EQ(b.views[0].shape(), (Shape{4, 8, 8, 3}));
    EXPECT_EQ(b.views[1].shape(), b.views[0].shape());
    EXPECT_EQ(b.views[0].storage()->tag(), MemoryTag::data);
    EXPECT_EQ(b.epoch, i / 2);
    EXPECT_EQ(b.step, i % 2);
    EXPECT_EQ(b.indices.size(), 4u);
  }
}

TEST(TrainingLoader, TheNumberOfWorkersDoesNotMatter) {
  FakeData data(23, {3, 17});
  data.delay_ms = 3;  // images take different times
  std::vector<std::vector<Seen>> runs;
  for (const int workers : {1, 2, 5}) {
    LoaderOptions o = options(4, workers);
    o.prefetch = workers;
    TrainingLoader loader(data, two_views(), o);
    runs.push_back(take(loader, 12));
  }
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(runs[0], runs[2]);
}

TEST(TrainingLoader, StartingInMidEpochContinuesTheRun) {
  const FakeData data(23, {3, 17});
  TrainingLoader from_start(data, two_views(), options());
  const auto all = take(from_start, 12);
  for (const int skipped : {1, 4, 5, 7}) {
    TrainingLoader later(data, two_views(), options(), skipped);
    EXPECT_EQ(take(later, 12 - skipped), std::vector<Seen>(all.begin() + skipped, all.end())) << skipped;
  }
}

// A run stopped in the last step of an epoch resumes with the next batch's number, which is in the next epoch.
TEST(TrainingLoader, AnEpochConsistsOfWholeSteps) {
  const FakeData data(23);
  LoaderOptions o = options();
  o.accumulate = 2;
  TrainingLoader loader(data, two_views(), o);
  EXPECT_EQ(loader.batches_per_epoch(), 4);
  const auto all = take(loader, 9);
  EXPECT_EQ(all[4].epoch, 1);
  EXPECT_EQ(all[4].step, 0);
  TrainingLoader later(data, two_views(), o, 4);
  EXPECT_EQ(take(later, 5), std::vector<Seen>(all.begin() + 4, all.end()));
}

TEST(TrainingLoader, GroupsOfViewsHaveTheirOwnSizesAndAugmentations) {
  const FakeData data(9);
  const BatchRequest request{{{.name = "global", .count = 2, .size = 8},
                              {.name = "local", .count = 3, .size = 5, .augmentation = {.crop_scale = {0.05f, 0.4f}}}}};
  EXPECT_EQ(request.view_names(), (std::vector<std::string>{"global1", "global2", "local1", "local2", "local3"}));
  TrainingLoader loader(data, request, options());
  const Batch b = loader.next();
  ASSERT_EQ(b.views.size(), 5U);
  EXPECT_TRUE(b.drawn.empty()) << "nothing was asked for";
  for (int view = 0; view < 5; ++view) {
    const ViewGroup& group = request.group_of(view);
    const Tensor& images = b.views[static_cast<size_t>(view)];
    EXPECT_EQ(images.shape(), (Shape{4, group.size, group.size, 1}));
    for (int64_t i = 0; i < 4; ++i) {
      const int64_t index = b.indices[static_cast<size_t>(i)];
      const ViewParameters drawn = draw_view(group.augmentation, 12, 10, group.size, 5, 0, index, view);
      EXPECT_EQ(images.rows(i, i + 1).to_vector(),
                render_view(data.load(index), drawn, Normalization::imagenet(1)).to_vector());
    }
  }
}

TEST(BatchDraw, PermutationsAreFunctionsOfSeedBatchAndNumber) {
  const auto draw = [](int64_t batch, uint32_t number) {
    return BatchDraw{5, batch, 64}.permutation(number).to_vector();
  };
  std::vector<double> sorted = draw(3, 0);
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) EXPECT_EQ(sorted[i], static_cast<double>(i));
  EXPECT_EQ(draw(3, 0), draw(3, 0));
  EXPECT_NE(draw(3, 0), draw(3, 1));
  EXPECT_NE(draw(3, 0), draw(4, 0));
}

TEST(TrainingLoader, ViewsAreThoseOfDrawView) {
  const FakeData data(8);
  TrainingLoader loader(data, two_views(), options());
  const Batch b = loader.next();
  for (int64_t i = 0; i < 4; ++i) {
    const int64_t index = b.indices[static_cast<size_t>(i)];
    const Image image = data.load(index);
    for (const int view : {0, 1}) {
      const auto parameters = draw_view({}, image.height(), image.width(), 8, 5, b.epoch, index, view);
      EXPECT_EQ(b.views[static_cast<size_t>(view)].rows(i, i + 1).to_vector(),
                render_view(image, parameters, Normalization::imagenet(1)).to_vector());
    }
  }
}

TEST(TrainingLoader, EveryImageOncePerEpochInAnotherOrderEachTime) {
  const FakeData data(24);
  TrainingLoader loader(data, two_views(), options());
  std::set<std::vector<int64_t>> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<int64_t> order;
    for (const Seen& b : take(loader, 6)) order.insert(order.end(), b.indices.begin(), b.indices.end());
    orders.insert(order);
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < 24; ++i) ASSERT_EQ(order[static_cast<size_t>(i)], i);
  }
  EXPECT_EQ(orders.size(), 3u);
}

TEST(EpochOrder, IsUniform) {
  int count[5][5] = {};
  for (int64_t epoch = 0; epoch < 5000; ++epoch) {
    const auto order = epoch_order(5, 1, epoch);
    for (size_t i = 0; i < 5; ++i) ++count[i][order[i]];
  }
  for (const auto& row : count)
    for (const int c : row) EXPECT_NEAR(c, 1000, 120);
}

TEST(TrainingLoader, BadFilesAreReplacedAndRecordedOnce) {
  const FakeData data(40, {3, 17, 18});
  TrainingLoader loader(data, two_views(), options());
  for (const Seen& b : take(loader, 30))
    for (const int64_t i : b.indices) ASSERT_TRUE(i != 3 && i != 17 && i != 18 && i >= 0 && i < 40);
  auto bad = loader.bad_files();
  ASSERT_EQ(bad.size(), 3u);
  std::sort(bad.begin(), bad.end(), [](const BadFile& a, const BadFile& b) { return a.index < b.index; });
  EXPECT_EQ(bad[0].index, 3);
  EXPECT_EQ(bad[0].name, "image3.png");
  EXPECT_EQ(bad[0].reason, "it is bad");
}

TEST(TrainingLoader, TooManyBadFilesAreAnError) {
  const FakeData data(100, {1, 20, 30, 40, 50});
  LoaderOptions o = options(10);
  o.max_bad_fraction = 0.04;
  std::set<std::string> messages;
  for (const int workers : {1, 3}) {
    o.workers = workers;
    TrainingLoader loader(data, two_views(), o);
    messages.insert(error_of([&] { take(loader, 10); }));
  }
  ASSERT_EQ(messages.size(), 1u);  // the same for any number of workers
  EXPECT_THAT(*messages.begin(), HasSubstr("5 of 100 images can't be read"));
  EXPECT_THAT(*messages.begin(), HasSubstr("`max-bad-fraction` 0.04"));
  EXPECT_THAT(*messages.begin(), HasSubstr(".png (it is bad), image"));
  EXPECT_THAT(*messages.begin(), HasSubstr(", ...;"));
  o.max_bad_fraction = 0.05;
  TrainingLoader loader(data, two_views(), o);
  EXPECT_EQ(error_of([&] { take(loader, 30); }), "no error");
}

TEST(TrainingLoader, OnlyBadFilesIsAnError) {
  std::set<int64_t> all;
  for (int64_t i = 0; i < 30; ++i) all.insert(i);
  const FakeData data(30, all);
  for (const double fraction : {0.0, 0.5, 1.0}) {
    LoaderOptions o = options();
    o.max_bad_fraction = fraction;
    TrainingLoader loader(data, two_views(), o);
    EXPECT_THAT(error_of([&] { loader.next(); }), HasSubstr(" images can")) << fraction;
  }
}

TEST(TrainingLoader, ALackOfMemoryIsNoBadFile) {
  const FakeData data(12, {}, {7});
  TrainingLoader loader(data, two_views(), options());
  EXPECT_THROW(take(loader, 3), OutOfMemory);
  EXPECT_THROW(loader.next(), OutOfMemory);  // and keeps doing so
}

TEST(TrainingLoader, MayBeDestroyedAtAnyMoment) {
  FakeData data(64);
  data.delay_ms = 4;
  for (int taken = 0; taken < 4; ++taken)
    for (const int wait : {0, 1, 5}) {
      LoaderOptions o = options(8, 3);
      TrainingLoader loader(data, two_views(), o);
      take(loader, taken);
      std::this_thread::sleep_for(std::chrono::milliseconds(wait));
    }
}

TEST(TrainingLoader, HoldsAFewBatchesAtMost) {
  const FakeData data(1000);
  LoaderOptions o = options(50, 3);
  o.prefetch = 2;
  const int64_t before = allocator().usage().live_by_tag[static_cast<size_t>(MemoryTag::data)];
  TrainingLoader loader(data, two_views(), o);
  const Batch held = loader.next();
  allocator().reset_peak();
  for (int i = 0; i < 40; ++i) loader.next();
  const int64_t peak = allocator().usage().peak_by_tag[static_cast<size_t>(MemoryTag::data)] - before;
  EXPECT_LE(peak, 4 * (held.views[0].bytes() + held.views[1].bytes()) + 3 * 4096);
}

TEST(TrainingLoader, RefusesInvalidSettings) {
  const FakeData data(10);
  const auto error_with = [&](auto change, const BatchRequest& request = two_views(), int64_t first_batch = 0) {
    LoaderOptions o = options();
    change(o);
    return error_of([&] { TrainingLoader(data, request, o, first_batch); });
  };
  const auto nothing = [](LoaderOptions&) {};
  EXPECT_THAT(error_with([](auto& o) { o.batch = 11; }), HasSubstr("`batch` 11 is more than the data set's 10 images"));
  EXPECT_THAT(error_with([](auto& o) { o.batch = 0; }), HasSubstr("`batch"));
  EXPECT_THAT(error_with([](auto& o) { o.size = 0; }), HasSubstr("`size"));
  EXPECT_THAT(error_with([](auto& o) { o.channels = 2; }), HasSubstr("`channels"));
  EXPECT_THAT(error_with([](auto& o) { o.max_bad_fraction = -1; }), HasSubstr("`max-bad-fraction"));
  EXPECT_THAT(error_with([](auto& o) { o.accumulate = 3; }), HasSubstr("`batch` 4 x `accumulate` 3 is more than"));
  EXPECT_THAT(error_with(nothing, two_views({.flip = 2})), HasSubstr("`flip`"));
  EXPECT_THAT(error_with(nothing, {{{.count = 1, .size = 0}}}), HasSubstr("`size`"));
  EXPECT_THAT(error_with(nothing, {}), HasSubstr("1 to 255 views"));
  EXPECT_THAT(error_with(nothing, two_views(), -1), HasSubstr("not -1"));
}

TEST(EvaluationLoader, EveryImageOnceInOrder) {
  FakeData data(11);
  data.delay_ms = 3;
  for (const int workers : {1, 4}) {
    EvaluationLoader loader(data, options(4, workers));
    int64_t expected = 0;
    std::vector<int64_t> sizes;
    while (const auto batch = loader.next()) {
      sizes.push_back(batch->images.dim(0));
      for (size_t i = 0; i < batch->indices.size(); ++i, ++expected) {
        ASSERT_EQ(batch->indices[i], expected);
        ASSERT_EQ(batch->labels[i], expected % 4);
        const auto row = static_cast<int64_t>(i);
        ASSERT_EQ(batch->images.rows(row, row + 1).to_vector(),
                  evaluation_view(data.load(expected), 8, Normalization::imagenet(1)).to_vector());
      }
    }
    EXPECT_EQ(expected, 11);
    EXPECT_EQ(sizes, (std::vector<int64_t>{4, 4, 3}));
    EXPECT_FALSE(loader.next());
  }
}

TEST(EvaluationLoader, LeavesBadFilesOut) {
  const FakeData data(11, {0, 2, 4, 5, 6, 7});
  LoaderOptions o = options();
  o.max_bad_fraction = 0.6;
  EvaluationLoader loader(data, o);
  std::vector<int64_t> indices;
  while (const auto batch = loader.next()) {
    ASSERT_EQ(batch->images.dim(0), static_cast<int64_t>(batch->indices.size()));
    for (size_t i = 0; i < batch->indices.size(); ++i) {
      indices.push_back(batch->indices[i]);
      const double white = static_cast<double>(batch->indices[i]) / 255;
      EXPECT_NEAR(batch->images.at(static_cast<int64_t>(i) * 64), (white - 0.449) / 0.226, 1e-4);
    }
  }
  EXPECT_EQ(indices, (std::vector<int64_t>{1, 3, 8, 9, 10}));
  EXPECT_EQ(loader.bad_files().size(), 6u);
  o.max_bad_fraction = 0.3;
  EvaluationLoader strict(data, o);
  EXPECT_THAT(error_of([&] {
                while (strict.next()) continue;
              }),
              HasSubstr("`max-bad-fraction"));
}

}  // namespace
}  // namespace minissl
