// A backbone on one page: stages of 3x3 convolution, batch normalisation, ReLU and max pooling, each twice as wide as
// the one before.
#include "apps/command_line.h"
#include "autograd/functions.h"
#include "autograd/recompute.h"
#include "nn/backbone.h"
#include "nn/layers.h"

using namespace minissl;

class PlainStage : public Module {
 public:
  PlainStage(int64_t in, int64_t out) : convolution_(in, out, 3, 1, 1), norm_(out) {
    add_child("conv", convolution_);
    add_child("bn", norm_);
  }
  Variable forward(const Variable& x) {
    return max_pool(norm_.forward(convolution_.forward(x), {.relu = true}), 2, 2, 0);
  }

 private:
  Conv2d convolution_;
  BatchNorm norm_;
};

class PlainNet : public Backbone {
 public:
  PlainNet(int64_t channels, int64_t width, int64_t stages) {
    for (int64_t s = 0; s < stages; ++s) {
      widths_.push_back(width << s);
      stages_.push_back(
          std::make_unique<PlainStage>(s == 0 ? channels : widths_[static_cast<size_t>(s - 1)], widths_.back()));
      add_child("stage" + std::to_string(s + 1), *stages_.back());
    }
  }

  int64_t features() const override { return widths_.back(); }
  std::vector<int64_t> map_channels() const override { return widths_; }
  Variable forward(const Variable& images) override { return global_average_pool(maps(images).back()); }
  std::vector<Variable> maps(const Variable& images, const Tensor& kept = {}) override {
    require(!kept.defined(), "plain networks can't hide parts of their images");
    std::vector<Variable> maps;
    for (size_t s = 0; s < stages_.size(); ++s) {
      // A part: --recompute and --memory-budget may drop its convolution's result or its output, and recompute them.
      PartScope part("stage" + std::to_string(s + 1), true);
      maps.push_back(part.output(stages_[s]->forward(s == 0 ? images : maps.back())));
    }
    return maps;
  }

 private:
  std::vector<int64_t> widths_;
  std::vector<std::unique_ptr<PlainStage>> stages_;
};

class PlainConfig : public BackboneConfig {
 public:
  void visit(OptionVisitor& visitor) override {
    visitor.visit_number("width", width_, {1, 1024}, "channels of the first stage");
    visitor.visit_number("stages", stages_, {1, 8}, "how many; each halves the image");
  }
  std::unique_ptr<Backbone> make() const override {
    checked(*this);
    return std::make_unique<PlainNet>(channels, width_, stages_);
  }
  std::unique_ptr<BackboneConfig> clone() const override { return std::make_unique<PlainConfig>(*this); }

 private:
  int64_t width_ = 32, stages_ = 4;
};

int main(int argc, char** argv) {
  add_backbone({"plain", [] { return std::make_unique<PlainConfig>(); }});
  return run_command_line(argc, argv);
}
