#include "ssl/parts/light_decoder.h"

#include <utility>

#include "autograd/recompute.h"

namespace minissl {
namespace {

constexpr Conv2dOptions within{.bias = false, .draw = ConvolutionDraw::small},
    to_pixels{.bias = true, .draw = ConvolutionDraw::small};

}  // namespace

UpBlock::UpBlock(int64_t in, int64_t out)
    : up_sample_(in, in, 4, 2, 1),
      conv0_(in, in, 3, 1, 1, within),
      norm1_(in),
      conv3_(in, out, 3, 1, 1, within),
      norm4_(out) {
  add_child("up_sample", up_sample_);
  add_child("conv", conv_);
  conv_.add_child("0", conv0_);
  conv_.add_child("1", norm1_);
  conv_.add_child("3", conv3_);
  conv_.add_child("4", norm4_);
}

Variable UpBlock::forward(const Variable& x) {
  const Variable h = norm1_.forward(conv0_.forward(up_sample_.forward(x)), {});
  return norm4_.forward(conv3_.forward(relu6(h)), {});
}

std::vector<int64_t> LightDecoder::widths(int64_t width, int64_t blocks) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < blocks; ++i) all.push_back(width >> i);
  return all;
}

LightDecoder::LightDecoder(int64_t width, int64_t blocks, int64_t channels)
    : proj_(width >> blocks, channels, 1, 1, 0, to_pixels) {
  add_child("dec", dec_);
  for (const int64_t in : widths(width, blocks)) {
    blocks_.push_back(std::make_unique<UpBlock>(in, in / 2));
    dec_.add_child(std::to_string(blocks_.size() - 1), *blocks_.back());
  }
  add_child("proj", proj_);
}

Variable LightDecoder::forward(std::vector<Variable> maps) {
  Variable x = std::exchange(maps.front(), {});
  for (size_t i = 0; i < blocks_.size(); ++i) {
    if (i > 0 && i < maps.size()) x = x + std::exchange(maps[i], {});  // frees what backward does not read
    PartScope part(fmt::format("decoder.{}", i), true);
    x = part.output(blocks_[i]->forward(x));
  }
  return proj_.forward(x);
}

}  // namespace minissl
