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

/// The same numbers mapped into the open interval (0, 1): the noise of masks.
inline std::vector<double> unit(const std::string& name, int64_t count) {
  std::vector<double> numbers = uniform(name, count);
  for (double& u : numbers) u = (u + 1) / 2 + 0x1p-54;
  return numbers;
}

/// A view of the reference's step (N, C, local_size, local_size): "view1" and "view2" are one random image plus noise
/// of their own, "local1", ... windows of it.
inline Tensor view_by_formula(int64_t step, const std::string& name, const Shape& images, int64_t local_size) {
  const std::vector<double> image = uniform(fmt::format("step{}/image", step), images.numel());
  const int64_t size = images[2], side = name.starts_with("local") ? local_size : size;
  const int64_t v = name.starts_with("local") ? std::stoll(name.substr(5)) - 1 : 0;
  const int64_t top = (5 * v + 1) % (size - side + 1), left = (3 * v + 2) % (size - side + 1);
  const Shape shape{images[0], images[1], side, side};
  std::vector<double> view = uniform(fmt::format("step{}/{}", step, name), shape.numel());
  for (int64_t i = 0; i < shape.numel(); ++i) {
    const int64_t plane = i / (side * side), y = top + i / side % side, x = left + i % side;
    double& value = view[static_cast<size_t>(i)];
    value = image[static_cast<size_t>((plane * size + y) * size + x)] + 0.3 * value;
  }
  return Tensor::from<double>(shape, view);
}

/// Sets a method's state as the reference does: weights of two or more dimensions uniform within sqrt(3 / fan_in), norm
/// scales and the gains of weight normalisation 1 + u / 10, biases u / 10, the queue's columns normalised; the key
/// encoder, BYOL's target and teachers copy the trained network. SparK's gains before a ReLU6 are four times as large,
/// so that it meets its ceiling. Other buffers stay as they are.
inline void fill_by_formula(Module& method) {
  for (const StateEntry& e : method.state()) {
    std::string source = e.name;
    if (source.starts_with("encoder_k.")) source.replace(0, 10, "encoder_q.");
    if (source.starts_with("target_")) source.erase(0, 7);
    if (source.starts_with("momentum_encoder.")) source.replace(0, 17, "base_encoder.");
    if (source.starts_with("teacher.")) source.replace(0, 8, "student.");
    if (e.buffer && source != "queue") continue;
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
    } else if (source.ends_with("weight_g")) {
      for (double& v : u) v = 1 + v / 10;
    } else if (shape.rank() >= 2) {
      const double bound = std::sqrt(3.0 / static_cast<double>(in_file.numel() / shape[0]));
      for (double& v : u) v *= bound;
    } else {
      for (double& v : u) v = source.ends_with("weight") ? 1 + v / 10 : v / 10;
    }
    if (source.starts_with("decoder.dec.") && source.ends_with(".conv.1.weight"))
      for (double& v : u) v *= 4;
    e.tensor().copy_from(from_file_layout(Tensor::from<double>(shape, u), e.layout));
  }
}

}  // namespace minissl
