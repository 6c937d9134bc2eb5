#include "data/loader.h"
#include "tests/cuda/gpu.h"
#include "tests/samples/sample.h"

/// Batches whose views were made on a GPU equal the CPU's up to rounding.
namespace minissl {
namespace {

struct Case {
  int64_t channels, size;
  int64_t resident_bytes;
};

class ViewsOnGpu : public testing::TestWithParam<Case> {
 protected:
  void SetUp() override { MINISSL_NEEDS_GPU(); }

  // Two epochs' batches: images that stayed on the device are used again.
  std::vector<Batch> batches(Device device) const {
    const auto dataset = open_dataset("synth:6:70", static_cast<int>(GetParam().channels), 0);
    LoaderOptions options{
        .batch = 3, .channels = GetParam().channels, .device = device, .resident_bytes = GetParam().resident_bytes};
    const Augmentation augmentation{.saturation = 0.5f, .hue = 0.2f, .gray_prob = 0.3f, .solarize_prob = 0.3f};
    const int64_t size = GetParam().size;
    const BatchRequest request{{{.count = 2, .size = size, .augmentation = augmentation},
                                {.name = "local", .count = 1, .size = size / 2, .augmentation = augmentation}}};
    TrainingLoader loader(*dataset, request, options);
    std::vector<Batch> result;
    for (int i = 0; i < 4; ++i) result.push_back(loader.next());
    return result;
  }
};

TEST_P(ViewsOnGpu, AgreeWithTheCpu) {
  const std::vector<Batch> actual = batches(gpu), expected = batches({});
  for (size_t b = 0; b < expected.size(); ++b) {
    EXPECT_EQ(actual[b].indices, expected[b].indices);
    ASSERT_EQ(actual[b].views.size(), 3U);
    EXPECT_EQ(actual[b].views[0].device(), gpu);
    // Solarising flips pixels whose rounding crosses 1/2, hence the mean, not the largest difference.
    for (size_t view = 0; view < 3; ++view) {
      const std::vector<double> a = actual[b].views[view].to_vector(), e = expected[b].views[view].to_vector();
      ASSERT_EQ(a.size(), e.size());
      double difference = 0;
      for (size_t i = 0; i < a.size(); ++i) difference += std::abs(a[i] - e[i]);
      EXPECT_LE(difference / static_cast<double>(a.size()), 1e-5);
    }
  }
}

TEST(LoaderOnGpu, GivesViewsOfTheRequestedType) {
  MINISSL_NEEDS_GPU();
  const auto dataset = open_dataset("synth:2:32", 1, 0);
  TrainingLoader loader(*dataset, {{{.count = 2, .size = 8}}},
                        {.batch = 2, .channels = 1, .dtype = DType::bf16, .device = gpu});
  const Batch batch = loader.next();
  EXPECT_EQ(batch.views[0].dtype(), DType::bf16);
  EXPECT_EQ(batch.views[1].dtype(), DType::bf16);
}

INSTANTIATE_TEST_SUITE_P(, ViewsOnGpu,
                         testing::Values(Case{1, 33, 0}, Case{3, 32, 0}, Case{3, 7, 20000}, Case{1, 40, 1 << 20}),
                         [](const auto& info) {
                           return fmt::format("{}x{}_resident{}", info.param.channels, info.param.size,
                                              info.param.resident_bytes);
                         });

}  // namespace
}  // namespace minissl
