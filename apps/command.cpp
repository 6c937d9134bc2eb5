#include "apps/command.h"

#include "tensor/convolution/winograd.h"
#include "tensor/cuda/device.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/tf32.h"

namespace minissl {
namespace {

// The N of cuda:N, 0 for cuda. Throws Error for a name that is neither.
int gpu_index(const std::string& device) {
  const std::string index = device.starts_with("cuda:") ? device.substr(5) : device == "cuda" ? "0" : "";
  const bool is_number =
      !index.empty() && index.size() < 4 && index.find_first_not_of("0123456789") == std::string::npos;
  require(is_number, "`device` {} is not known; there are auto, cpu, cuda and cuda:N", device);
  return std::stoi(index);
}

void check_device(const std::string& device) {
  if (device != "auto" && device != "cpu") gpu_index(device);
}

}  // namespace

void CommonFlags::add_to(CLI::App& command) {
  begin_group(command, "Machine");
  add_flag(command, "threads", threads, "compute threads (0: the cores that this process may use)",
           {.range = threads_range});
  add_flag(command, "seed", seed, "seed of all random numbers", seed_rules());
  add_flag(command, "device", device, "auto, cpu, cuda or cuda:N", {.check = check_device});
  add_flag(command, "precision", precision, "bf16: for GPUs, slow on the CPU; f64: CPU, for checking",
           {.one_of = {"f32", "bf16", "f64"}});
  add_switch(command, "tf32", tf32, "on: f32 products on a GPU's tensor cores, with factors rounded to 10 bits");
  add_toggle(command, "exact-convolutions", exact_convolutions,
             "disable Winograd convolutions: slower, with slightly smaller rounding errors");
  add_config(command);
  begin_group(command);
}

void add_cuda_graph(CLI::App& command, bool& value) {
  begin_group(command, "Machine");
  add_switch(command, "cuda-graph", value, "on a GPU, record the step once and replay it: the same bits, faster");
  begin_group(command);
}

DeviceScope CommonFlags::apply() const {
  const Device chosen = compute_device();
  dtype();
  winograd::enable(!exact_convolutions);
  tf32::enable(tf32);
  set_threads(resolved_threads());
  return DeviceScope(chosen);
}

int CommonFlags::resolved_threads() const { return threads > 0 ? threads : allowed_threads(); }

Device CommonFlags::compute_device() const {
  if (device == "cpu") return {};
  const int gpus = cuda::device_count();
  if (device == "auto") return gpus == 0 || precision == "f64" ? Device{} : Device{DeviceType::cuda, 0};
  const Device wanted{DeviceType::cuda, gpu_index(device)};
  require(gpus > 0, "--device {}: {}; use cpu", device, cuda::why_none());
  require(wanted.index < gpus, "--device {}: there are {} GPUs; minissl devices lists them", device, gpus);
  return wanted;
}

DType CommonFlags::dtype() const {
  if (precision == "f32") return DType::f32;
  if (precision == "f64") return DType::f64;
  if (precision == "bf16") return DType::bf16;
  fail("--precision {} is not known; there are f32, bf16 and f64", precision);
}

}  // namespace minissl
