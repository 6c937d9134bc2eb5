#include "apps/checkpoint.h"

#include "apps/run/run_folder.h"
#include "nn/state_file.h"
#include "tensor/finite.h"

namespace minissl {
namespace {

constexpr const char *position_name = "run.position", *sums_name = "run.epoch_sums";

NamedTensors state_of(Method& method, const Optimizer& optimizer) {
  NamedTensors tensors = file_tensors(method);
  for (auto& entry : optimizer.state()) tensors.push_back(std::move(entry));
  return tensors;
}

RunPosition position_in(const SafetensorsReader& file) {
  for (const char* name : {position_name, sums_name})
    require(file.contains(name), "{}: no {} in it; only last.safetensors and epoch_*.safetensors can be resumed from",
            file.path().string(), name);
  const StoredTensor &stored = file.find(position_name), &sums = file.find(sums_name);
  // The first design wrote epoch, step in the epoch, step and variance_joined.
  const bool old = stored.shape == Shape{4};
  require(stored.dtype == DType::i64 && (stored.shape == Shape{2} || old), "{}: {} is {}{}", file.path().string(),
          position_name, stored.stored_as, stored.shape);
  require(sums.dtype == DType::f64 && sums.shape.rank() == 1, "{}: {} is {}{}", file.path().string(), sums_name,
          sums.stored_as, sums.shape);
  const Tensor numbers = file.read(position_name);
  const int64_t* at = numbers.data<int64_t>() + (old ? 2 : 0);
  require(at[0] >= 0, "{}: {} is step {}", file.path().string(), position_name, at[0]);
  return {at[0], at[1] != 0, file.read(sums_name).to_vector()};
}

}  // namespace

std::optional<std::string> find_not_finite(Method& method, const Optimizer& optimizer) {
  for (const auto& [name, tensor] : state_of(method, optimizer))
    if (!all_finite(tensor)) return name;
  return std::nullopt;
}

void save_checkpoint(const std::filesystem::path& path, Method& method, const Optimizer& optimizer,
                     const RunPosition& position, const Metadata& metadata) {
  NamedTensors tensors = state_of(method, optimizer);
  tensors.emplace_back(position_name, Tensor::from<int64_t>({2}, {position.step, position.variance_joined}));
  tensors.emplace_back(sums_name,
                       Tensor::from<double>({static_cast<int64_t>(position.epoch_sums.size())}, position.epoch_sums));
  save_safetensors(path, tensors, metadata);
}

RunPosition load_checkpoint(const std::filesystem::path& path, Method& method, Optimizer& optimizer) {
  const SafetensorsReader file(path);
  RunPosition position = position_in(file);
  load_state(method, file);
  optimizer.load_state(file);
  return position;
}

CheckpointSummary read_checkpoint(const std::filesystem::path& path) {
  const SafetensorsReader file(path);
  CheckpointSummary summary{path, position_in(file), file.metadata()};
  file.verify();
  return summary;
}

std::optional<CheckpointSummary> newest_good_checkpoint(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files{folder / run_file::last};
  for (const auto& [epochs, file] : epoch_checkpoints(folder)) files.push_back(file);
  std::optional<CheckpointSummary> newest;
  for (const auto& file : files) {
    try {
      CheckpointSummary read = read_checkpoint(file);
      if (!newest || read.position.step > newest->position.step) newest = std::move(read);
    } catch (const Error&) {  // damaged or missing: not a candidate
    }
  }
  return newest;
}

}  // namespace minissl
