// Fits y = 2 x + 1 by gradient descent, writes the weights to a .safetensors file and reads them back.
#include <cstdio>
#include <exception>
#include <memory>

#include "nn/layers.h"
#include "nn/optimizer.h"
#include "nn/state_file.h"

using namespace minissl;

int main(int argc, char** argv) {
  const char* path = argc > 1 ? argv[1] : "line.safetensors";
  try {
    const Tensor x = Tensor::from<float>({4, 1}, {-1, 0, 1, 2});
    const Tensor y = Tensor::from<float>({4, 1}, {-1, 1, 3, 5});
    Linear line(1, 1);
    line.initialize(/*seed=*/0);
    ParameterArena arena(line);
    const std::unique_ptr<Optimizer> sgd = make_optimizer({.kind = "sgd", .weight_decay = 0}, arena);
    for (int step = 0; step < 200; ++step) {
      arena.zero_gradients();
      const Variable loss = mean(square(line.forward(x) - y));
      backward(loss);
      sgd->step(/*lr=*/0.05);
      if (step % 50 == 0) std::printf("step %d: loss %.6f\n", step, loss.value().item());
    }
    save_safetensors(path, file_tensors(line), {{"made_by", "consumer"}});
    for (const auto& [name, tensor] : load_safetensors(path).tensors)
      std::printf("%s %s: %.3f\n", name.c_str(), tensor.str().c_str(), tensor.item());
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  return 0;
}
