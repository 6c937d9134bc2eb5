#include "data/resample.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <type_traits>
#include <vector>

#include "tensor/tensor.h"

// The part of the source that an output needs is copied once, as floats, a plane for each colour, with zeros where
// there is no image: so every pixel reads the same number of taps, a multiple of four, in vectors and without branches.
namespace minissl {
namespace {

// The compiler's vectors. None is passed by value or returned: how is a matter of the instruction set.
template <int N>
struct FloatsOf {
  using type __attribute__((vector_size(N * sizeof(float)))) = float;
  // The same in memory, at any address that a float may have.
  using unaligned __attribute__((vector_size(N * sizeof(float)), aligned(alignof(float)), may_alias)) = float;
};
template <int N>
using Floats = typename FloatsOf<N>::type;
template <int N>
const typename FloatsOf<N>::unaligned& at(const float* p) {
  return *reinterpret_cast<const typename FloatsOf<N>::unaligned*>(p);
}

// Stores four numbers whose sum is that of v.
inline void fold(const Floats<4>& v, float* to) { std::memcpy(to, &v, sizeof v); }
inline void fold(const Floats<8>& v, float* to) {
  Floats<4> halves[2];
  std::memcpy(halves, &v, sizeof v);
  fold(halves[0] + halves[1], to);
}

int taps_of(float scale) { return static_cast<int>(std::ceil(2 * std::max(scale, 1.0f))) + 1; }
int round_up(int taps) { return (taps + 3) / 4 * 4; }

/// Some columns or rows of an image, maybe beyond its border.
struct Span {
  int begin = 0, end = 0;
  int size() const { return end - begin; }

  /// All that a filter reads at positions between `low` and `high`, with room for rounding up the taps.
  static Span around(float low, float high, float scale) {
    const float support = std::max(scale, 1.0f) + 1;
    return {static_cast<int>(std::floor(low - support)),
            static_cast<int>(std::ceil(high + support)) + round_up(taps_of(scale))};
  }
};

/// A box of an image as planes of floats in [0, 1], zeros beyond the image.
class Box {
 public:
  template <int C, class T>
  Box(const T* source, int height, int width, Span of_rows, Span of_columns, std::integral_constant<int, C>)
      : rows_(of_rows),
        columns_(of_columns),
        plane_size_(static_cast<int64_t>(rows_.size()) * columns_.size()),
        pixels_(Tensor::empty({plane_size_ * C})),
        begin_(pixels_.mutable_data<float>()) {
    const int left = std::clamp(-columns_.begin, 0, columns_.size());
    const int right = std::clamp(width - columns_.begin, left, columns_.size());
    for (int c = 0; c < C; ++c)
      for (int y = rows_.begin; y < rows_.end; ++y) {
        float* to = begin_ + c * plane_size_ + static_cast<int64_t>(y - rows_.begin) * columns_.size();
        const bool inside = y >= 0 && y < height && left < right;
        const int from_column = inside ? left : columns_.size(), to_column = inside ? right : columns_.size();
        std::fill_n(to, from_column, 0.0f);
        std::fill(to + to_column, to + columns_.size(), 0.0f);
        if (!inside) continue;
        const T* from = source + (static_cast<int64_t>(y) * width + columns_.begin + left) * C + c;
        for (int x = 0; x < right - left; ++x) to[left + x] = intensity(from[int64_t{x} * C]);
      }
  }
  const Span& rows() const { return rows_; }
  const Span& columns() const { return columns_; }
  const float* plane(int c) const { return begin_ + c * plane_size_; }

 private:
  Span rows_, columns_;
  int64_t plane_size_;
  Tensor pixels_;
  float* begin_;
};

/// The taps of a line of output pixels along one axis: FilterTaps, N for each.
template <int N>
struct LineOfTaps {
  static constexpr int L = std::min(N, 8);
  std::vector<int> begins;
  std::vector<float> weights, coverage;

  explicit LineOfTaps(int pixels)
      : begins(static_cast<size_t>(pixels)),
        weights(static_cast<size_t>(pixels) * N),
        coverage(static_cast<size_t>(pixels)),
        sums_(static_cast<size_t>(pixels) * 4) {}

  /// Output pixel x is at first + step * x, and covers `scale` of the source's `extent` pixels, of which `span` is
  /// there.
  void set(float first, float step, float scale, int extent, const Span& span) {
    const auto count = static_cast<int>(begins.size());
    const float end = first + step * static_cast<float>(count - 1), support = std::max(scale, 1.0f) + 1;
    // Most lines read no taps beyond the image, so that none has to be told apart.
    [[maybe_unused]] const bool inside =
        std::min(first, end) > support && std::max(first, end) + support < static_cast<float>(extent);
    if constexpr (N == 4)
      set_few_weights(first, step, scale, extent, span);
    else if (inside)
      set_weights<true>(first, step, scale, extent, span);
    else
      set_weights<false>(first, step, scale, extent, span);
    const float per_scale = 1 / scale;
    const float* sum = sums_.data();
    for (int x = 0; x < count; ++x) {
      const float position = first + step * static_cast<float>(x);
      const float covered = clamp01(0.5f + smaller(position, static_cast<float>(extent) - position) * per_scale);
      const float all = (sum[4 * x] + sum[4 * x + 1]) + (sum[4 * x + 2] + sum[4 * x + 3]);
      coverage[static_cast<size_t>(x)] = all > 0 ? covered / all : 0.0f;
    }
  }

 private:
  // Vectorised over pixels. With four taps, resampling takes two thirds of the time that it takes with set_weights();
  // with sixteen, a third more.
  void set_few_weights(float first, float step, float scale, int extent, const Span& span) {
    const float support = std::max(scale, 1.0f), slope = 1 / support;
    const auto origin = static_cast<float>(span.begin), last = static_cast<float>(extent - 1);
    const auto count = static_cast<int>(begins.size());
    int* begin = begins.data();
    float *weight = weights.data(), *sum = sums_.data();
    for (int x = 0; x < count; ++x) {
      const float position = first + step * static_cast<float>(x);
      begin[x] = static_cast<int>(position - support + 0.5f - origin);
      const float tap = static_cast<float>(begin[x]) + origin;
      for (int k = 0; k < 4; ++k) {
        const float place = tap + static_cast<float>(k);
        const float w = larger(0.0f, 1.0f - std::fabs(place - (position - 0.5f)) * slope);
        weight[x * N + k] = sum[x * 4 + k] = place >= 0 && place <= last ? w : 0.0f;
      }
    }
  }

  // Vectorised over taps.
  template <bool inside>
  void set_weights(float first, float step, float scale, int extent, const Span& span) {
    const float support = std::max(scale, 1.0f), slope = 1 / support;
    const auto origin = static_cast<float>(span.begin), last = static_cast<float>(extent - 1);
    Floats<L> lanes;
    for (int i = 0; i < L; ++i) lanes[i] = static_cast<float>(i);
    for (size_t x = 0; x < begins.size(); ++x) {
      const float position = first + step * static_cast<float>(x);
      begins[x] = static_cast<int>(position - support + 0.5f - origin);
      const float tap = static_cast<float>(begins[x]) + origin, distance = tap - (position - 0.5f);
      Floats<L> sum{};
      for (int v = 0; v < N; v += L) {
        const Floats<L> away = lanes + (distance + static_cast<float>(v));
        const Floats<L> slanted = 1 - (away < 0 ? -away : away) * slope;
        Floats<L> weight = slanted > 0 ? slanted : Floats<L>{};
        if constexpr (!inside) {
          const Floats<L> place = lanes + (tap + static_cast<float>(v));
          weight = place >= 0 && place <= last ? weight : Floats<L>{};
        }
        std::memcpy(&weights[x * N + static_cast<size_t>(v)], &weight, sizeof weight);
        sum += weight;
      }
      fold(sum, &sums_[x * 4]);
    }
  }

  std::vector<float> sums_;
};

// Every pixel of a rotated line has rows and columns of its own.
template <int C, int N, class T>
void resample_rotated(const T* source, int height, int width, const InverseMap& map, int out_height, int out_width,
                      float* out) {
  const auto ends = [&](float origin, float across, float down) {
    const float a = across * static_cast<float>(out_width), b = down * static_cast<float>(out_height);
    return std::pair(origin + std::min(a, 0.0f) + std::min(b, 0.0f), origin + std::max(a, 0.0f) + std::max(b, 0.0f));
  };
  const auto [left, right] = ends(map.x0, map.xx, map.xy);
  const auto [top, bottom] = ends(map.y0, map.yx, map.yy);
  const Box box(source, height, width, Span::around(top, bottom, map.scale_y), Span::around(left, right, map.scale_x),
                std::integral_constant<int, C>());
  const int stride = box.columns().size(), row_taps = std::min(N, taps_of(map.scale_y));
  LineOfTaps<N> columns(out_width), rows(out_width);
  std::vector<float> products(static_cast<size_t>(out_width) * 4);
  for (int y = 0; y < out_height; ++y, out += static_cast<ptrdiff_t>(out_width) * C) {
    const float py = static_cast<float>(y) + 0.5f;
    columns.set(map.x0 + map.xy * py + map.xx * 0.5f, map.xx, map.scale_x, width, box.columns());
    rows.set(map.y0 + map.yy * py + map.yx * 0.5f, map.yx, map.scale_y, height, box.rows());
    for (int c = 0; c < C; ++c) {
      const float* plane = box.plane(c);
      for (int x = 0; x < out_width; ++x) {
        const float *of_column = &columns.weights[static_cast<size_t>(x * N)],
                    *of_row = &rows.weights[static_cast<size_t>(x * N)];
        const float* from = plane + static_cast<ptrdiff_t>(rows.begins[static_cast<size_t>(x)]) * stride +
                            columns.begins[static_cast<size_t>(x)];
        constexpr int L = std::min(N, 8);
        Floats<L> line[N / L] = {};
        for (int j = 0; j < row_taps; ++j, from += stride)
          for (int v = 0; v < N / L; ++v) line[v] += of_row[j] * at<L>(from + v * L);
        Floats<L> sum = at<L>(of_column) * line[0];
        for (int v = 1; v < N / L; ++v) sum += at<L>(of_column + v * L) * line[v];
        fold(sum, &products[static_cast<size_t>(x) * 4]);
      }
      const float *p = products.data(), *a = columns.coverage.data(), *b = rows.coverage.data();
      for (int x = 0; x < out_width; ++x)
        out[x * C + c] = a[x] * b[x] * ((p[4 * x] + p[4 * x + 1]) + (p[4 * x + 2] + p[4 * x + 3]));
    }
  }
}

// Without a rotation, the rows of an output line are summed once for all of its pixels.
template <int C, class T>
void resample_upright(const T* source, int height, int width, const InverseMap& map, int out_height, int out_width,
                      float* out) {
  const int taps = round_up(taps_of(map.scale_x));
  std::vector<int> begins(static_cast<size_t>(out_width));
  std::vector<float> weights(static_cast<size_t>(out_width) * static_cast<size_t>(taps));
  for (size_t x = 0; x < begins.size(); ++x) {
    const FilterTaps columns(map.x0 + map.xx * (static_cast<float>(x) + 0.5f), map.scale_x, width);
    begins[x] = columns.begin;
    for (int i = columns.begin; i < columns.end; ++i)
      weights[x * static_cast<size_t>(taps) + static_cast<size_t>(i - columns.begin)] =
          columns.coverage * columns.weight(i);
  }
  const auto [low, high] = std::minmax_element(begins.begin(), begins.end());
  const Span columns{*low, std::min(width, *high + taps)};
  const int length = columns.size() * C;
  std::vector<float> line(static_cast<size_t>(length)), plane(static_cast<size_t>(columns.size() + taps));
  std::vector<float> products(static_cast<size_t>(out_width) * 4);
  for (int y = 0; y < out_height; ++y, out += static_cast<ptrdiff_t>(out_width) * C) {
    const FilterTaps rows(map.y0 + map.yy * (static_cast<float>(y) + 0.5f), map.scale_y, height);
    std::fill(line.begin(), line.end(), 0.0f);
    for (int j = rows.begin; j < rows.end; ++j) {
      const float weight = rows.coverage * rows.weight(j);
      const T* row = source + (static_cast<int64_t>(j) * width + columns.begin) * C;
      float* sum = line.data();
      for (int k = 0; k < length; ++k) sum[k] += weight * intensity(row[k]);
    }
    for (int c = 0; c < C; ++c) {
      for (int x = 0; x < columns.size(); ++x)
        plane[static_cast<size_t>(x)] = line[static_cast<size_t>(x) * C + static_cast<size_t>(c)];
      const float* weight = weights.data();
      for (int x = 0; x < out_width; ++x, weight += taps) {
        const float* from = &plane[static_cast<size_t>(begins[static_cast<size_t>(x)] - columns.begin)];
        Floats<4> sum{};
        for (int i = 0; i < taps; i += 4) sum += at<4>(weight + i) * at<4>(from + i);
        fold(sum, &products[static_cast<size_t>(x) * 4]);
      }
      const float* p = products.data();
      for (int x = 0; x < out_width; ++x) out[x * C + c] = (p[4 * x] + p[4 * x + 1]) + (p[4 * x + 2] + p[4 * x + 3]);
    }
  }
}

}  // namespace

template <int C, class T>
void resample(const T* source, int height, int width, const InverseMap& map, int out_height, int out_width,
              float* out) {
  if (map.xy == 0 && map.yx == 0) return resample_upright<C>(source, height, width, map, out_height, out_width, out);
  const int taps = taps_of(std::max(map.scale_x, map.scale_y));
  if (taps <= 4) return resample_rotated<C, 4>(source, height, width, map, out_height, out_width, out);
  if (taps <= 8) return resample_rotated<C, 8>(source, height, width, map, out_height, out_width, out);
  if (taps <= 16) return resample_rotated<C, 16>(source, height, width, map, out_height, out_width, out);
  // Copies of such large images would not fit in a cache.
  for (int y = 0; y < out_height; ++y)
    for (int x = 0; x < out_width; ++x, out += C) sample_pixel<C>(source, height, width, map, x, y, out);
}

template void resample<1>(const uint8_t*, int, int, const InverseMap&, int, int, float*);
template void resample<3>(const uint8_t*, int, int, const InverseMap&, int, int, float*);
template void resample<1>(const float*, int, int, const InverseMap&, int, int, float*);
template void resample<3>(const float*, int, int, const InverseMap&, int, int, float*);

}  // namespace minissl
