#include "tensor/convolution/onednn.h"

#include <map>
#include <mutex>
#include <new>
#include <oneapi/dnnl/dnnl.hpp>
#include <tuple>
#include <unordered_map>

#include "tensor/error.h"
#include "tensor/onednn.h"
#include "tensor/parallel.h"
#include "tensor/tensor.h"

namespace minissl::onednn {
namespace {

using dnnl::memory;
using Tag = memory::format_tag;

/// Calls f with oneDNN's errors as ours.
template <class F>
decltype(auto) checked(F&& f) {
  try {
    return f();
  } catch (const dnnl::error& error) {
    if (error.status == dnnl_out_of_memory) throw std::bad_alloc();
    fail("oneDNN: {}", error.what());
  }
}

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream s(engine());
  return s;
}

// oneDNN takes shapes in the order N, C, H, W and O, I, H, W, whatever the layout in memory.
memory::desc describe(const Shape& s, Tag tag) { return {{s[0], s[3], s[1], s[2]}, memory::data_type::f32, tag}; }

// 2.x makes a primitive's description from an operation's; 3.x has no descriptions of operations.
#if DNNL_VERSION_MAJOR >= 3
template <class Primitive, class... Args>
typename Primitive::primitive_desc make_description(const dnnl::primitive_attr& attributes, const Args&... args) {
  return {engine(), args..., attributes};
}
template <class Primitive, class Hint, class... Args>
typename Primitive::primitive_desc make_gradient_description(const dnnl::primitive_attr& attributes, const Hint& hint,
                                                             const Args&... args) {
  return {engine(), args..., hint, attributes};
}
#else
template <class Primitive, class... Args>
typename Primitive::primitive_desc make_description(const dnnl::primitive_attr& attributes, const Args&... args) {
  return {typename Primitive::desc(args...), attributes, engine()};
}
template <class Primitive, class Hint, class... Args>
typename Primitive::primitive_desc make_gradient_description(const dnnl::primitive_attr& attributes, const Hint& hint,
                                                             const Args&... args) {
  return {typename Primitive::desc(args...), attributes, engine(), hint};
}
#endif

// One convolution in one direction for one set of shapes. oneDNN may want the weights in a layout of its own; each call
// reorders them from OHWI or to it, since weights change at every step.
struct CachedConvolution {
  dnnl::primitive primitive;
  memory::desc x, y, weights_plain, weights_blocked, scratchpad;
  dnnl::reorder weights_reorder;  // empty when both are the same
};

enum class Direction { forward, input_gradient, weight_gradient };

using Key = std::tuple<Direction, std::array<int64_t, 4>, std::array<int64_t, 4>, int64_t, int64_t, int>;

CachedConvolution make(Direction direction, const ConvolutionShapes& s) {
  require_memory(memory_for_code);
  CachedConvolution c;
  c.x = describe(s.x, Tag::nhwc);
  c.y = describe(s.y, Tag::nhwc);
  c.weights_plain = describe(s.w, Tag::ohwi);
  const memory::desc any_weights = describe(s.w, Tag::any);
  const memory::dims strides{s.stride, s.stride}, pads{s.padding, s.padding};
  const auto algorithm = dnnl::algorithm::convolution_direct;
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);

  const auto forward = make_description<dnnl::convolution_forward>(
      attributes, dnnl::prop_kind::forward_training, algorithm, c.x, any_weights, c.y, strides, pads, pads);
  switch (direction) {
    case Direction::forward: {
      c.primitive = dnnl::convolution_forward(forward);
      c.weights_blocked = forward.weights_desc();
      c.scratchpad = forward.scratchpad_desc();
      break;
    }
    case Direction::input_gradient: {
      const auto d = make_gradient_description<dnnl::convolution_backward_data>(attributes, forward, algorithm, c.x,
                                                                                any_weights, c.y, strides, pads, pads);
      c.primitive = dnnl::convolution_backward_data(d);
      c.weights_blocked = d.weights_desc();
      c.scratchpad = d.scratchpad_desc();
      break;
    }
    case Direction::weight_gradient: {
      const auto d = make_gradient_description<dnnl::convolution_backward_weights>(
          attributes, forward, algorithm, c.x, any_weights, c.y, strides, pads, pads);
      c.primitive = dnnl::convolution_backward_weights(d);
      c.weights_blocked = d.diff_weights_desc();
      c.scratchpad = d.scratchpad_desc();
      break;
    }
  }
  if (c.weights_blocked != c.weights_plain) {
    const bool to_plain = direction == Direction::weight_gradient;
    const auto& from = to_plain ? c.weights_blocked : c.weights_plain;
    const auto& to = to_plain ? c.weights_plain : c.weights_blocked;
    c.weights_reorder = dnnl::reorder(dnnl::reorder::primitive_desc(engine(), from, engine(), to));
  }
  return c;
}

const CachedConvolution& cached(Direction direction, const ConvolutionShapes& s) {
  static std::mutex mutex;
  static std::map<Key, CachedConvolution> cache;
  const auto& [x, w, y, stride, padding] = s;
  const Key key{direction, {x[0], x[1], x[2], x[3]}, {w[0], w[1], w[2], w[3]}, stride, padding, threads()};
  std::lock_guard lock(mutex);
  auto it = cache.find(key);
  if (it == cache.end()) it = cache.emplace(key, checked([&] { return make(direction, s); })).first;
  return it->second;
}

Tensor bytes_for(const memory::desc& d) { return Tensor::empty({static_cast<int64_t>(d.get_size())}, DType::u8); }

/// oneDNN's handles for the tensors of a convolution. They are made once: oneDNN takes memory for them without checking
/// that it got any.
struct Handles {
  explicit Handles(const CachedConvolution& c)
      : x(make(c.x)), y(make(c.y)), weights_plain(make(c.weights_plain)), scratchpad(make(c.scratchpad)) {
    if (c.weights_reorder) weights_blocked = make(c.weights_blocked);
  }
  static memory make(const memory::desc& d) { return {d, engine(), DNNL_MEMORY_NONE}; }

  memory x, y, weights_plain, weights_blocked, scratchpad;
};

/// Each thread has its own, as its calls set their addresses.
Handles& handles_of(const CachedConvolution& c) {
  static thread_local std::unordered_map<const CachedConvolution*, Handles> all;
  auto found = all.find(&c);
  if (found == all.end()) {
    require_memory(memory_for_code);
    found = all.emplace(&c, Handles(c)).first;
  }
  return found->second;
}

const memory& at(memory& handle, const void* data) {
  handle.set_data_handle(const_cast<void*>(data));
  return handle;
}

void execute(Direction direction, const CachedConvolution& c, const float* x, const float* w, const float* y) {
  const Tensor scratchpad = bytes_for(c.scratchpad);
  const Tensor blocked = c.weights_reorder ? bytes_for(c.weights_blocked) : Tensor();
  Handles& handles = handles_of(c);
  const memory& plain_weights = at(handles.weights_plain, w);
  const memory& weights =
      c.weights_reorder ? at(handles.weights_blocked, blocked.mutable_data<uint8_t>()) : plain_weights;
  const memory &images = at(handles.x, x), &out = at(handles.y, y);
  const memory& scratch = at(handles.scratchpad, scratchpad.mutable_data<uint8_t>());

  switch (direction) {
    case Direction::forward:
    case Direction::input_gradient: {
      if (c.weights_reorder)
        c.weights_reorder.execute(stream(), {{DNNL_ARG_FROM, plain_weights}, {DNNL_ARG_TO, weights}});
      const bool forward = direction == Direction::forward;
      c.primitive.execute(stream(), {{forward ? DNNL_ARG_SRC : DNNL_ARG_DIFF_SRC, images},
                                     {DNNL_ARG_WEIGHTS, weights},
                                     {forward ? DNNL_ARG_DST : DNNL_ARG_DIFF_DST, out},
                                     {DNNL_ARG_SCRATCHPAD, scratch}});
      break;
    }
    case Direction::weight_gradient:
      c.primitive.execute(stream(), {{DNNL_ARG_SRC, images},
                                     {DNNL_ARG_DIFF_DST, out},
                                     {DNNL_ARG_DIFF_WEIGHTS, weights},
                                     {DNNL_ARG_SCRATCHPAD, scratch}});
      if (c.weights_reorder)
        c.weights_reorder.execute(stream(), {{DNNL_ARG_FROM, weights}, {DNNL_ARG_TO, plain_weights}});
      break;
  }
  stream().wait();
}

void run(Direction direction, const CachedConvolution& c, const float* x, const float* w, const float* y) {
  checked([&] { execute(direction, c, x, w, y); });
}

template <Direction direction>
int64_t bytes(const ConvolutionShapes& s) {
  const CachedConvolution& c = cached(direction, s);
  const auto rounded = [](size_t bytes) { return static_cast<int64_t>(std::max<size_t>(1, (bytes + 63) / 64) * 64); };
  return rounded(c.scratchpad.get_size()) + (c.weights_reorder ? rounded(c.weights_blocked.get_size()) : 0);
}

bool applies(const ConvolutionShapes&) { return true; }

void forward(const ConvolutionShapes& s, const float* images, const float* weights, float* out) {
  run(Direction::forward, cached(Direction::forward, s), images, weights, out);
}

void input_gradient(const ConvolutionShapes& s, const float* dy, const float* weights, float* dx) {
  run(Direction::input_gradient, cached(Direction::input_gradient, s), dx, weights, dy);
}

void weight_gradient(const ConvolutionShapes& s, const float* dy, const float* images, float* dw) {
  run(Direction::weight_gradient, cached(Direction::weight_gradient, s), images, dw, dy);
}

}  // namespace

// What it takes for itself is oneDNN's scratchpad, and the weights in oneDNN's layout.
constinit const Way way{"oneDNN",
                        applies,
                        forward,
                        input_gradient,
                        weight_gradient,
                        bytes<Direction::forward>,
                        bytes<Direction::input_gradient>,
                        bytes<Direction::weight_gradient>};

}  // namespace minissl::onednn
