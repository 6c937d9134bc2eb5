#pragma once
#include "tensor/operation.h"

namespace minissl::ops {

/// y (1): how many of the D classes with these weights (D), not negative, are in use: exp of the entropy of the weights
/// divided by their sum. 1: one class has all; D: all have the same. (The usual measure of a codebook's use: van den
/// Oord et al. 2017.)
struct Perplexity {
  static constexpr const char* name = "perplexity";
  Tensor weights, y;
  const Tensor& dispatch() const { return weights; }
};
void kernel(Reference, const Perplexity&);
void kernel(Cuda, const Perplexity&);

Tensor perplexity(const Tensor& weights);

}  // namespace minissl::ops
