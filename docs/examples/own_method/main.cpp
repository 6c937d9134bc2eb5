// A method on one page: VICReg's losses (Bardes et al. 2022) over many crops. Every crop's projection, of the large
// "global" ones and of the small "local" ones, shall agree with the mean of the global ones; each dimension shall vary
// across the batch, and no two of them together.
#include "apps/command_line.h"
#include "autograd/functions.h"
#include "ssl/methods/joint_embedding.h"
#include "ssl/parts/losses.h"
#include "ssl/registry.h"

using namespace minissl;

struct MultiCropOptions {
  int64_t dim = 512, hidden = 512, local_crops = 4, local_size = 96;
  std::array<double, 2> local_crop_scale{0.05, 0.4};
  double variance_weight = 0;

  void visit(OptionVisitor& visitor) {
    visitor.visit_number("dim", dim, {1, 1 << 20}, "width of the projections");
    visitor.visit_number("hidden", hidden, {1, 1 << 20}, "width of the projector's hidden layers");
    visitor.visit_number("local-crops", local_crops, {1, 100}, "small views of each image");
    visitor.visit_number("local-size", local_size, {8, 4096}, "of these, in pixels");
    visitor.visit_interval("local-crop-scale", local_crop_scale, Range::above(0, 1),
                           "part of the image's area that they show: from,to");
    VarianceTerm::visit(visitor, variance_weight);
  }
};

class MultiCrop : public JointEmbedding {
 public:
  using Options = MultiCropOptions;

  MultiCrop(const Options& options, const BackboneConfig& backbone, uint64_t seed, DType dtype)
      : JointEmbedding(checked(options).variance_weight, backbone, {options.hidden, options.dim}), options_(options) {
    initialize_trained(seed, dtype);
  }

  std::vector<ViewGroup> views(const Augmentation& augmentation, int64_t size) const override {
    Augmentation local = augmentation;
    local.crop_scale = {static_cast<float>(options_.local_crop_scale[0]),
                        static_cast<float>(options_.local_crop_scale[1])};
    return {{"global", 2, size, augmentation}, {"local", options_.local_crops, options_.local_size, local}};
  }

  Variable loss(const Batch& batch, StepLog& log) override {
    std::vector<Variable> z;  // (N, dim) of each view
    for (const Tensor& view : batch.views) z.push_back(project(view));
    const Variable target = (z[0] + z[1]) / 2.0;
    const auto mean_over_views = [&](auto&& f) {
      Variable sum = f(z[0]);
      for (size_t v = 1; v < z.size(); ++v) sum = sum + f(z[v]);
      return sum / static_cast<double>(z.size());
    };
    const Variable invariance = mean_over_views([&](const Variable& view) { return mean(square(view - target)); });
    const Variable variance = mean_over_views([](const Variable& view) { return variance_loss(view); });
    const Variable covariance = mean_over_views([](const Variable& view) { return covariance_loss(view); });

    log.term("invariance", invariance);
    log.term("variance", variance);
    log.term("covariance", covariance);
    return 25.0 * invariance + (25.0 + variance_weight()) * variance + covariance;
  }

 private:
  Options options_;
};

int main(int argc, char** argv) {
  add_method<MultiCrop>("multicrop");
  return run_command_line(argc, argv);
}
