#include "tensor/convolution/implicit_gemm.h"
#include "tensor/convolution/patches.h"
#include "tensor/convolution/pointwise.h"
#include "tensor/convolution/single_pixel.h"
#include "tensor/convolution/way.h"
#include "tensor/convolution/winograd.h"

namespace minissl {

std::span<const Way* const> convolution_ways() {
  static constexpr const Way* ways[] = {&single_pixel::way, &pointwise::way, &winograd::way, &implicit_gemm::way,
                                        &patches::way};
  return ways;
}

const Way& way_for(const ConvolutionShapes& shapes) {
  const auto ways = convolution_ways();
  for (const Way* way : ways.first(ways.size() - 1))
    if (way->applies(shapes)) return *way;
  return *ways.back();
}

}  // namespace minissl
