// Writes two tensors to a .safetensors file, reads them back and prints them.
#include <cstdio>
#include <exception>

#include "formats/safetensors.h"
#include "tensor/tensor.h"

using minissl::DType;
using minissl::Tensor;

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "example.safetensors";
  try {
    const Tensor matrix = Tensor::from<float>({2, 3}, {1, 2, 3, 4, 5, 6});
    const Tensor scalar = Tensor::full({}, 0.5, DType::f64);
    minissl::save_safetensors(path, {{"matrix", matrix}, {"scalar", scalar}}, {{"made_by", "consumer"}});

    const minissl::TensorFile file = minissl::load_safetensors(path);
    for (const auto& [key, text] : file.metadata) std::printf("%s: %s\n", key.c_str(), text.c_str());
    for (const auto& [name, tensor] : file.tensors) {
      std::printf("%s %s:", name.c_str(), tensor.str().c_str());
      for (const double value : tensor.to_vector()) std::printf(" %g", value);
      std::printf("\n");
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
