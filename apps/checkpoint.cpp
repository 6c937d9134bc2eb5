#include "apps/checkpoint.h"

#include "nn/state_file.h"

namespace minissl {

void save_checkpoint(const std::filesystem::path& path, Method& method, const Optimizer& optimizer,
                     const RunPosition& position, const Metadata& metadata) {
  NamedTensors tensors = file_tensors(method);
  for (auto& entry : optimizer.state()) tensors.push_back(std::move(entry));
  tensors.emplace_back("run.position",
                       Tensor::from<int64_t>({4}, std::vector<int64_t>{position.epoch, position.step_in_epoch,
                                                                       position.step, position.variance_joined}));
  tensors.emplace_back("run.epoch_sums",
                       Tensor::from<double>({static_cast<int64_t>(position.epoch_sums.size())}, position.epoch_sums));
  save_safetensors(path, tensors, metadata);
}

RunPosition load_checkpoint(const std::filesystem::path& path, Method& method, Optimizer& optimizer) {
  const SafetensorsReader file(path);
  for (const char* name : {"run.position", "run.epoch_sums"})
    require(file.contains(name), "{}: no {} in it; only last.safetensors and epoch_*.safetensors can be resumed from",
            path.string(), name);
  const Tensor numbers = file.read("run.position");
  require(numbers.dtype() == DType::i64 && numbers.numel() == 4, "{}: run.position is {}", path.string(),
          numbers.str());
  load_state(method, file);
  optimizer.load_state(file);
  const auto* at = numbers.data<int64_t>();
  return {at[0], at[1], at[2], at[3] != 0, file.read("run.epoch_sums").to_vector()};
}

}  // namespace minissl
