#include <nlohmann/json.hpp>
#include <thread>

#include "apps/command.h"
#include "apps/run/json_text.h"
#include "tensor/cuda/device.h"
#include "tensor/memory.h"

namespace minissl {
namespace {

void print_devices(bool as_json) {
  nlohmann::ordered_json json{{"cpu", {{"cores", std::thread::hardware_concurrency()}}},
                              {"cuda", nlohmann::json::array()}};
  std::string table = fmt::format("cpu     {} cores\n", std::thread::hardware_concurrency());
  for (int i = 0; i < cuda::device_count(); ++i) {
    const Device device{DeviceType::cuda, i};
    const cuda::DeviceProperties p = cuda::properties(device);
    json["cuda"].push_back({{"name", p.name},
                            {"memory_bytes", p.memory},
                            {"free_bytes", p.free_memory},
                            {"multiprocessors", p.multiprocessors},
                            {"compute_capability", fmt::format("{}.{}", p.major, p.minor)}});
    table +=
        fmt::format("{:6}  {}, {} of {} free, {} multiprocessors, compute capability {}.{}\n", device.str(), p.name,
                    format_bytes(p.free_memory), format_bytes(p.memory), p.multiprocessors, p.major, p.minor);
  }
  if (const std::string why = cuda::why_none(); !why.empty()) {
    json["why_no_cuda"] = why;
    table += "cuda    " + why + "\n";
  }
  fmt::print("{}", as_json ? json_text(json) + "\n" : table);
}

}  // namespace

void add_devices(CLI::App& app) {
  CLI::App& command = add_command(app, "devices", "List the devices of this machine");
  auto as_json = std::make_shared<bool>(false);
  add_json(command, *as_json);
  set_action(command, [as_json] { print_devices(*as_json); });
}

}  // namespace minissl
