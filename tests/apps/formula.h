#pragma once
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "nn/module.h"
#include "nn/state_file.h"

namespace minissl {

/// Numbers in [-1, 1) from a name, the same in any language: splitmix64 seeded with the name's FNV-1a hash. The PyTorch
/// reference draws its weights and views from the same formula.
inline std::vector<double> uniform(const std::string& name, int64_t count) {
  uint64_t h = 14695981039346656037u;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::vector<double> numbers(static_cast<size_t>(count));
  for (uint64_t i = 0; i < numbers.size(); ++i) {
    uint64_t z = h + (i + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    z ^= z >> 31;
    numbers[i] = static_cast<double>(z >> 11) * 0x1p-52 - 1;
  }
  return numbers;
}

/// Sets a method's state as the reference does: weights of two or more dimensions uniform within sqrt(3 / fan_in), norm
/// scales 1 + u / 10, biases u / 10, the queue's columns normalised; the key encoder and BYOL's target copy the trained
/// network.
inline void fill_by_formula(Module& method) {
  for (const StateEntry& e : method.state()) {
    std::string source = e.name;
    if (source.starts_with("encoder_k.")) source.replace(0, 10, "encoder_q.");
    if (source.starts_with("target_")) source.erase(0, 7);
    if (!is_floating(e.tensor().dtype()) || source.find("running_") != std::string::npos) continue;
    const Tensor in_file = to_file_layout(e.tensor(), e.layout).clone();
    std::vector<double> u = uniform(source, in_file.numel());
    const Shape& shape = in_file.shape();
    if (source == "queue") {
      for (int64_t column = 0; column < shape[1]; ++column) {
        double square = 0;
        for (int64_t row = 0; row < shape[0]; ++row)
          square += std::pow(u[static_cast<size_t>(row * shape[1] + column)], 2);
        for (int64_t row = 0; row < shape[0]; ++row)
          u[static_cast<size_t>(row * shape[1] + column)] /= std::sqrt(square);
      }
    } else if (shape.rank() >= 2) {
      const double bound = std::sqrt(3.0 / static_cast<double>(in_file.numel() / shape[0]));
      for (double& v : u) v *= bound;
    } else {
      for (double& v : u) v = source.ends_with("weight") ? 1 + v / 10 : v / 10;
    }
    e.tensor().copy_from(from_file_layout(Tensor::from<double>(shape, u), e.layout));
  }
}

}  // namespace minissl
