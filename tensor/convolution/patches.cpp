#include "tensor/convolution/patches.h"

#include <algorithm>

#include "tensor/matrix_product.h"
#include "tensor/parallel.h"
#include "tensor/workspace.h"

namespace minissl::patches {
namespace {

int64_t width_of(const Shape& w) { return w[1] * w[2] * w[3]; }

// Patches that are in memory at a time: enough for a product to be worth its preparation, few enough for the caches.
int64_t rows_of_block(const ConvolutionShapes& s) {
  constexpr int64_t cached_floats = 1 << 18, least = 96, most = 768;
  return std::clamp(cached_floats / width_of(s.w), least, most);
}

// Calls f(place in the image, place in the patch, floats) for each run of pixels that lies in a row of the image and in
// a row of the patch of output pixel (oh, ow).
template <class F>
void for_each_run(const ConvolutionShapes& s, int64_t oh, int64_t ow, F&& f) {
  const int64_t channels = s.x[3], left = ow * s.stride - s.padding;
  const int64_t first = std::max<int64_t>(0, -left), last = std::min(s.w[2], s.x[2] - left);
  if (first >= last) return;
  for (int64_t kh = 0; kh < s.w[1]; ++kh) {
    const int64_t h = oh * s.stride - s.padding + kh;
    if (h < 0 || h >= s.x[1]) continue;
    f((h * s.x[2] + left + first) * channels, (kh * s.w[2] + first) * channels, (last - first) * channels);
  }
}

// Calls f(row, n, oh, ow) for each output pixel of [begin, end), counted over the batch; its patch is row `row`.
template <class F>
void for_each_patch(const ConvolutionShapes& s, int64_t begin, int64_t end, F&& f) {
  const int64_t height = s.y[1], width = s.y[2];
  for (int64_t p = begin; p < end; ++p) f(p - begin, p / (height * width), p / width % height, p % width);
}

int64_t image_size(const Shape& x) { return x[1] * x[2] * x[3]; }

void gather(const ConvolutionShapes& s, const float* images, int64_t begin, int64_t end, float* rows) {
  const bool padded = s.padding > 0;
  for_each_patch(s, begin, end, [&](int64_t row, int64_t n, int64_t oh, int64_t ow) {
    float* to = rows + row * width_of(s.w);
    if (padded) std::fill_n(to, width_of(s.w), 0.0f);
    for_each_run(s, oh, ow, [&](int64_t pixel, int64_t at, int64_t count) {
      std::copy_n(images + n * image_size(s.x) + pixel, count, to + at);
    });
  });
}

void scatter(const ConvolutionShapes& s, const float* rows, int64_t begin, int64_t end, float* images) {
  for_each_patch(s, begin, end, [&](int64_t row, int64_t n, int64_t oh, int64_t ow) {
    for_each_run(s, oh, ow, [&](int64_t pixel, int64_t at, int64_t count) {
      const float* from = rows + row * width_of(s.w) + at;
      float* to = images + n * image_size(s.x) + pixel;
      for (int64_t i = 0; i < count; ++i) to[i] += from[i];
    });
  });
}

// Makes the matrix product that a direction computes for a block of `rows` patches.
using BlockProduct = MatrixProduct (*)(const ConvolutionShapes&, int64_t rows);

// How a direction is divided: `tasks` that threads share, each with patches and a product of its own.
struct Division {
  int64_t tasks, pixels_of_task, rows, of_slot, slots, partial = 0;

  Division(const ConvolutionShapes& s, int64_t tasks, int64_t pixels_of_task, BlockProduct product)
      : tasks(tasks),
        pixels_of_task(pixels_of_task),
        rows(rows_of_block(s)),
        of_slot(rows * width_of(s.w)),
        slots(std::max<int64_t>(1, count_slots(tasks, 1))) {
    // The last block of a task is smaller, and that of the last task may be smaller still.
    const int64_t of_last = s.y[0] * s.y[1] * s.y[2] - (tasks - 1) * pixels_of_task;
    int64_t most = 0;
    for (const int64_t block : {std::min(rows, pixels_of_task), pixels_of_task % rows, of_last % rows})
      most = std::max(most, product(s, block).floats());
    of_slot += most;
  }
  int64_t floats() const { return slots * of_slot + partial; }

  // Calls f(task, first pixel, end, patches' memory, the product's) for each block of each task.
  template <class F>
  void for_each_block(const ConvolutionShapes& s, float* memory, F&& f) const {
    const int64_t all = s.y[0] * s.y[1] * s.y[2];
    for_parts(tasks, 1, [&](int64_t slot, int64_t first, int64_t last) {
      float *patches = memory + slot * of_slot, *product = patches + rows * width_of(s.w);
      for (int64_t task = first; task < last; ++task) {
        const int64_t end = std::min(all, (task + 1) * pixels_of_task);
        for (int64_t at = task * pixels_of_task; at < end; at += rows)
          f(task, at, std::min(end, at + rows), patches, product);
      }
    });
  }
};

MatrixProduct forward_product(const ConvolutionShapes& s, int64_t rows) {
  return MatrixProduct::alone({.m = rows, .n = s.w[0], .k = width_of(s.w), .transpose_b = true});
}
MatrixProduct input_product(const ConvolutionShapes& s, int64_t rows) {
  return MatrixProduct::alone({.m = rows, .n = width_of(s.w), .k = s.w[0]});
}
MatrixProduct weight_product(const ConvolutionShapes& s, int64_t rows) {
  return MatrixProduct::alone({.m = s.w[0], .n = width_of(s.w), .k = rows, .transpose_a = true});
}

Division forward_division(const ConvolutionShapes& s) {
  const int64_t rows = rows_of_block(s), all = s.y[0] * s.y[1] * s.y[2];
  return {s, (all + rows - 1) / rows, rows, forward_product};
}

// An image is one task, as its patches overlap.
Division input_division(const ConvolutionShapes& s) { return {s, s.x[0], s.y[1] * s.y[2], input_product}; }

// Each task sums up the gradient of its pixels; the sums are added in their order.
Division weight_division(const ConvolutionShapes& s) {
  constexpr int64_t most_tasks = 16, most_floats = 1 << 21;
  const int64_t all = s.y[0] * s.y[1] * s.y[2], size = s.w.numel(), rows = rows_of_block(s);
  const int64_t wanted = std::clamp<int64_t>(std::min(all / rows, most_floats / size), 1, most_tasks);
  const int64_t pixels = (all + wanted - 1) / wanted, tasks = (all + pixels - 1) / pixels;
  Division division(s, tasks, pixels, weight_product);
  division.partial = (tasks - 1) * size;
  return division;
}

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out, const Finish& finish) {
  const Division division = forward_division(s);
  Workspace workspace(division.floats());
  division.for_each_block(s, workspace.take(division.floats()),
                          [&](int64_t, int64_t begin, int64_t end, float* patches, float* memory) {
                            gather(s, images, begin, end, patches);
                            const int64_t width = width_of(s.w);
                            forward_product(s, end - begin)
                                .run({patches, width}, {weights, width}, out + begin * s.w[0], s.w[0], {}, memory,
                                     finish.from(begin * s.w[0]));
                          });
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  const Division division = input_division(s);
  Workspace workspace(division.floats());
  const int64_t width = width_of(s.w);
  division.for_each_block(
      s, workspace.take(division.floats()),
      [&](int64_t image, int64_t begin, int64_t end, float* patches, float* memory) {
        if (begin == image * division.pixels_of_task) std::fill_n(dx + image * image_size(s.x), image_size(s.x), 0.0f);
        input_product(s, end - begin).run({dy + begin * s.w[0], s.w[0]}, {weights, width}, patches, width, {}, memory);
        scatter(s, patches, begin, end, dx);
      });
}

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  const Division division = weight_division(s);
  Workspace workspace(division.floats());
  const int64_t width = width_of(s.w), size = s.w.numel();
  float* memory_of_slots = workspace.take(division.slots * division.of_slot);
  float* partial = workspace.take(division.partial);
  division.for_each_block(
      s, memory_of_slots, [&](int64_t task, int64_t begin, int64_t end, float* patches, float* memory) {
        gather(s, images, begin, end, patches);
        float* to = task == 0 ? dw : partial + (task - 1) * size;
        const bool later = begin > task * division.pixels_of_task;
        weight_product(s, end - begin)
            .run({dy + begin * s.w[0], s.w[0]}, {patches, width}, to, width, {later ? to : nullptr, width}, memory);
      });
  parallel_for(size, 4096, [&](int64_t begin, int64_t end) {
    for (int64_t task = 1; task < division.tasks; ++task)
      for (int64_t i = begin; i < end; ++i) dw[i] += partial[(task - 1) * size + i];
  });
}

bool applies(const ConvolutionShapes&) { return true; }

int64_t forward_bytes(const ConvolutionShapes& s) { return 4 * forward_division(s).floats(); }
int64_t input_gradient_bytes(const ConvolutionShapes& s) { return 4 * input_division(s).floats(); }
int64_t weight_gradient_bytes(const ConvolutionShapes& s) { return 4 * weight_division(s).floats(); }

}  // namespace

constinit const Way way{"patches",
                        applies,
                        forward,
                        input_gradient,
                        weight_gradient,
                        forward_bytes,
                        input_gradient_bytes,
                        weight_gradient_bytes};

}  // namespace minissl::patches
