#pragma once
#include <cmath>

#include "tensor/host_device.h"
#include "tensor/ops/normal_functions.h"

/// Element-wise arithmetic, written once for host and device, each function with its derivative next to it.
///
/// A unary function F has
///   y = f(x), and dx = f.gradient(dy, x, y), where only what gradient_reads names may be read;
/// a binary one has y = f(a, b) and the two parts of its gradient.
namespace minissl::ops {

enum class GradientReads { nothing, input, output };

/// max(x, 0); the derivative at 0 is 0.
struct Relu {
  static constexpr const char* name = "relu";
  static constexpr GradientReads gradient_reads = GradientReads::output;
  template <class T>
  MINISSL_HD T operator()(T x) const {
    return x > T(0) || x != x ? x : T(0);
  }
  template <class T>
  MINISSL_HD T gradient(T dy, T, T y) const {
    return y > T(0) ? dy : T(0);
  }
};

/// min(max(x, 0), 6) (Howard et al. 2017, MobileNets); the derivative at 0 and at 6 is 0.
struct Relu6 {
  static constexpr const char* name = "relu6";
  static constexpr GradientReads gradient_reads = GradientReads::input;
  template <class T>
  MINISSL_HD T operator()(T x) const {
    if (x != x) return x;
    return x < T(0) ? T(0) : x > T(6) ? T(6) : x;
  }
  template <class T>
  MINISSL_HD T gradient(T dy, T x, T) const {
    return x <= T(0) || x >= T(6) ? T(0) : dy;
  }
};

struct Sqrt {
  static constexpr const char* name = "sqrt";
  static constexpr GradientReads gradient_reads = GradientReads::output;
  template <class T>
  MINISSL_HD T operator()(T x) const {
    return std::sqrt(x);
  }
  template <class T>
  MINISSL_HD T gradient(T dy, T, T y) const {
    return dy / (T(2) * y);
  }
};

struct Square {
  static constexpr const char* name = "square";
  static constexpr GradientReads gradient_reads = GradientReads::input;
  template <class T>
  MINISSL_HD T operator()(T x) const {
    return x * x;
  }
  template <class T>
  MINISSL_HD T gradient(T dy, T x, T) const {
    return T(2) * x * dy;
  }
};

/// Exact GELU (Hendrycks and Gimpel 2016, eq. 1): x times the normal distribution function of x.
struct Gelu {
  static constexpr const char* name = "gelu";
  static constexpr GradientReads gradient_reads = GradientReads::input;
  template <class T>
  MINISSL_HD T operator()(T x) const {
    return x * standard_normal(x).below;
  }
  template <class T>
  MINISSL_HD T gradient(T dy, T x, T) const {
    const Normal<T> at_x = standard_normal(x);
    return dy * (at_x.below + x * at_x.density);
  }
};

/// factor * x + offset.
struct Affine {
  static constexpr const char* name = "affine";
  static constexpr GradientReads gradient_reads = GradientReads::nothing;
  double factor = 1, offset = 0;
  template <class T>
  MINISSL_HD T operator()(T x) const {
    return static_cast<T>(factor) * x + static_cast<T>(offset);
  }
  template <class T>
  MINISSL_HD T gradient(T dy, T, T) const {
    return static_cast<T>(factor) * dy;
  }
};

struct Add {
  static constexpr const char* name = "add";
  static constexpr bool gradient_reads_inputs = false;
  template <class T>
  MINISSL_HD T operator()(T a, T b) const {
    return a + b;
  }
  template <class T>
  MINISSL_HD T gradient_a(T dy, T, T) const {
    return dy;
  }
  template <class T>
  MINISSL_HD T gradient_b(T dy, T, T) const {
    return dy;
  }
};

struct Subtract {
  static constexpr const char* name = "subtract";
  static constexpr bool gradient_reads_inputs = false;
  template <class T>
  MINISSL_HD T operator()(T a, T b) const {
    return a - b;
  }
  template <class T>
  MINISSL_HD T gradient_a(T dy, T, T) const {
    return dy;
  }
  template <class T>
  MINISSL_HD T gradient_b(T dy, T, T) const {
    return -dy;
  }
};

struct Multiply {
  static constexpr const char* name = "multiply";
  static constexpr bool gradient_reads_inputs = true;
  template <class T>
  MINISSL_HD T operator()(T a, T b) const {
    return a * b;
  }
  template <class T>
  MINISSL_HD T gradient_a(T dy, T, T b) const {
    return dy * b;
  }
  template <class T>
  MINISSL_HD T gradient_b(T dy, T a, T) const {
    return dy * a;
  }
};

}  // namespace minissl::ops
