#pragma once
#include "tensor/simd/vector.h"

/// Minimal filtering (Winograd 1980; Lavin and Gray 2016): y = A' [(G w) . (B' d)] in one dimension, nested for two,
/// computes a 3-tap filter with fewer products than taps times outputs. The adjoint of each map gives the gradients.
namespace minissl::simd {

/// A map is linear, takes `in` vectors to `out` vectors, and is called apply(from, to).

/// F(4, 3): four outputs of three taps from six inputs with six products, by interpolation at 0, +-a, +-b and infinity.
/// Lavin and Gray take 1 and 2. With 3/4 and 3/2 rounding errors are half as large as theirs, the worst ones a quarter:
/// the powers in A and G are closer to 1. All but G's coefficients are exact in binary.
struct FourByThree {
  static constexpr int taps = 3, outputs = 4, inputs = 6, products = 6;
  /// The first input relative to the first output.
  static constexpr int offset = -1;
  static constexpr float a = 0.75F, b = 1.5F, p = a * a, q = b * b;

  struct Input {
    static constexpr int in = inputs, out = products;
    template <class V>
    static void apply(const V* d, V* v) {
      v[0] = p * q * d[0] - (p + q) * d[2] + d[4];
      const V even_a = d[4] - q * d[2], odd_a = a * (d[3] - q * d[1]);
      const V even_b = d[4] - p * d[2], odd_b = b * (d[3] - p * d[1]);
      v[1] = even_a + odd_a;
      v[2] = even_a - odd_a;
      v[3] = even_b + odd_b;
      v[4] = even_b - odd_b;
      v[5] = p * q * d[1] - (p + q) * d[3] + d[5];
    }
  };
  struct Weight {
    static constexpr int in = taps, out = products;
    static constexpr float f = 1 / (2 * p * (p - q)), g = 1 / (2 * q * (q - p));
    template <class V>
    static void apply(const V* w, V* u) {
      const V even_a = f * w[0] + f * p * w[2], odd_a = f * a * w[1];
      const V even_b = g * w[0] + g * q * w[2], odd_b = g * b * w[1];
      u[0] = 1 / (p * q) * w[0];
      u[1] = even_a + odd_a;
      u[2] = even_a - odd_a;
      u[3] = even_b + odd_b;
      u[4] = even_b - odd_b;
      u[5] = w[2];
    }
  };
  struct WeightAdjoint {
    static constexpr int in = products, out = taps;
    template <class V>
    static void apply(const V* u, V* w) {
      constexpr float f = Weight::f, g = Weight::g;
      const V even_a = u[1] + u[2], even_b = u[3] + u[4];
      w[0] = 1 / (p * q) * u[0] + f * even_a + g * even_b;
      w[1] = f * a * (u[1] - u[2]) + g * b * (u[3] - u[4]);
      w[2] = f * p * even_a + g * q * even_b + u[5];
    }
  };
  struct Output {
    static constexpr int in = products, out = outputs;
    template <class V>
    static void apply(const V* m, V* y) {
      const V even_a = m[1] + m[2], odd_a = m[1] - m[2], even_b = m[3] + m[4], odd_b = m[3] - m[4];
      y[0] = m[0] + even_a + even_b;
      y[1] = a * odd_a + b * odd_b;
      y[2] = p * even_a + q * even_b;
      y[3] = a * p * odd_a + b * q * odd_b + m[5];
    }
  };
  struct OutputAdjoint {
    static constexpr int in = outputs, out = products;
    template <class V>
    static void apply(const V* y, V* m) {
      const V even_a = y[0] + p * y[2], odd_a = a * (y[1] + p * y[3]);
      const V even_b = y[0] + q * y[2], odd_b = b * (y[1] + q * y[3]);
      m[0] = y[0];
      m[1] = even_a + odd_a;
      m[2] = even_a - odd_a;
      m[3] = even_b + odd_b;
      m[4] = even_b - odd_b;
      m[5] = y[3];
    }
  };
};

/// Both outputs of an image of two pixels, padded with a zero on each side, with three products (the 2 x 2 Toeplitz
/// matrix of the taps that meet a pixel): y0 = w1 (x0 + x1) + (w2 - w1) x1, y1 = w1 (x0 + x1) + (w0 - w1) x0.
struct PaddedPair {
  static constexpr int taps = 3, outputs = 2, inputs = 2, products = 3;
  static constexpr int offset = 0;

  struct Input {
    static constexpr int in = inputs, out = products;
    template <class V>
    static void apply(const V* d, V* v) {
      v[0] = d[0] + d[1];
      v[1] = d[1];
      v[2] = d[0];
    }
  };
  struct Weight {
    static constexpr int in = taps, out = products;
    template <class V>
    static void apply(const V* w, V* u) {
      u[0] = w[1];
      u[1] = w[2] - w[1];
      u[2] = w[0] - w[1];
    }
  };
  struct WeightAdjoint {
    static constexpr int in = products, out = taps;
    template <class V>
    static void apply(const V* u, V* w) {
      w[0] = u[2];
      w[1] = u[0] - u[1] - u[2];
      w[2] = u[1];
    }
  };
  struct Output {
    static constexpr int in = products, out = outputs;
    template <class V>
    static void apply(const V* m, V* y) {
      y[0] = m[0] + m[1];
      y[1] = m[0] + m[2];
    }
  };
  struct OutputAdjoint {
    static constexpr int in = outputs, out = products;
    template <class V>
    static void apply(const V* y, V* m) {
      m[0] = y[0] + y[1];
      m[1] = y[0];
      m[2] = y[1];
    }
  };
};

}  // namespace minissl::simd
