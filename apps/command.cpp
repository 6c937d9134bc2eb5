#include "apps/command.h"

#include <algorithm>
#include <sstream>
#include <thread>

#include "tensor/atomic_file.h"
#include "tensor/cuda/device.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/tf32.h"
#include "tensor/winograd.h"

namespace minissl {
namespace {

bool is_flag(const std::string& argument) { return argument.starts_with("-"); }

std::vector<std::string> flags_of_file(const std::string& path) {
  std::istringstream in(read_file(path));
  try {
    return flags_of(in);
  } catch (const std::exception& e) {
    fail("--config {}: {}", path, e.what());
  }
}

std::string toml_value(const std::string& value) {
  char* end = nullptr;
  std::strtod(value.c_str(), &end);
  const bool number = !value.empty() && *end == '\0' && std::isxdigit(static_cast<unsigned char>(value.back())) != 0;
  if (number || value == "true" || value == "false") return value;
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

}  // namespace

void CommonFlags::add_to(CLI::App& command) {
  command.option_defaults()->group("Machine");
  add_flag(command, "threads", threads, "threads that compute (0: the machine's cores)");
  add_flag(command, "seed", seed, "of every random number");
  add_flag(command, "device", device, "auto, cpu, cuda or cuda:N");
  add_flag(command, "precision", precision, "f32, bf16 (made for GPUs; slow on the CPU) or f64 (CPU, for checking)");
  add_switch(command, "tf32", tf32, "on: f32 products on a GPU's tensor cores, factors rounded to 10 bits");
  command
      .add_flag("--exact-convolutions", exact_convolutions,
                "no Winograd convolutions: slower, rounding errors are a little smaller")
      ->default_str("false");
  command.add_option("--config", "a TOML file with the same keys as the long flags; a flag given here wins");
  command.option_defaults()->group("Options");
}

CLI::Option* add_switch(CLI::App& command, const std::string& name, bool& value, const std::string& help) {
  return command
      .add_option_function<std::string>(
          "--" + name, [&value](const std::string& text) { value = text == "on"; }, help)
      ->check(CLI::IsMember({"on", "off"}))
      ->default_str(value ? "on" : "off")
      ->take_last();
}

void add_cuda_graph(CLI::App& command, bool& value) {
  add_switch(command, "cuda-graph", value, "on a GPU, record the step once and repeat it: the same bits, sooner")
      ->group("Machine");
}

DeviceScope CommonFlags::apply() const {
  const Device chosen = compute_device();
  dtype();
  winograd::enable(!exact_convolutions);
  tf32::enable(tf32);
  set_threads(threads > 0 ? threads : static_cast<int>(std::max(1U, std::thread::hardware_concurrency())));
  return DeviceScope(chosen);
}

Device CommonFlags::compute_device() const {
  if (device == "cpu") return {};
  const int gpus = cuda::device_count();
  if (device == "auto") return gpus == 0 || precision == "f64" ? Device{} : Device{DeviceType::cuda, 0};
  const std::string index = device.starts_with("cuda:") ? device.substr(5) : device == "cuda" ? "0" : "";
  const bool is_number = !index.empty() && index.size() < 4 && index.find_first_not_of("0123456789") == index.npos;
  require(is_number, "--device {} is not known; there are auto, cpu, cuda and cuda:N", device);
  require(gpus > 0, "--device {}: {}; use cpu", device, cuda::why_none());
  const Device wanted{DeviceType::cuda, std::stoi(index)};
  require(wanted.index < gpus, "--device {}: there are {} GPUs; minissl devices lists them", device, gpus);
  return wanted;
}

DType CommonFlags::dtype() const {
  if (precision == "f32") return DType::f32;
  if (precision == "f64") return DType::f64;
  if (precision == "bf16") return DType::bf16;
  fail("--precision {} is not known; there are f32, bf16 and f64", precision);
}

std::vector<std::string> flags_of(std::istream& toml) {
  std::vector<std::string> flags;
  for (const CLI::ConfigItem& item : CLI::ConfigTOML().from_config(toml)) {
    require(item.parents.empty() && item.name != "++", "sections ([...]) have no meaning; it holds key = value lines");
    const std::string value = fmt::format("{}", fmt::join(item.inputs, ","));
    if (!value.empty()) {
      flags.push_back(fmt::format("--{}={}", item.name, value));
      continue;
    }
    // CLI11 takes what follows "--name=" for its value.
    flags.push_back("--" + item.name);
    flags.emplace_back();
  }
  return flags;
}

std::string to_toml(const std::vector<std::pair<std::string, std::string>>& values) {
  std::string text;
  for (const auto& [key, value] : values) text += fmt::format("{} = {}\n", key, value);
  return text;
}

std::vector<std::string> expand_config(const std::vector<std::string>& arguments) {
  std::vector<std::string> from_files, given;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string path;
    if (arguments[i].starts_with("--config=")) {
      path = arguments[i].substr(9);
    } else if (arguments[i] == "--config") {
      require(i + 1 < arguments.size(), "--config needs a file");
      path = arguments[++i];
    } else {
      given.push_back(arguments[i]);
      continue;
    }
    for (std::string& flag : flags_of_file(path)) from_files.push_back(std::move(flag));
  }
  // Behind the names of the command, before its flags.
  const auto first_flag = std::find_if(given.begin(), given.end(), is_flag);
  // A run's config.toml says which method it was; the command line says it too, in words.
  std::erase_if(from_files, [&](const std::string& flag) {
    if (!flag.starts_with("--method=")) return false;
    const std::string method = flag.substr(9);
    require(std::find(given.begin(), first_flag, method) != first_flag, "--config: the file is for {0}; use train {0}",
            method);
    return true;
  });
  given.insert(first_flag, from_files.begin(), from_files.end());
  return given;
}

std::vector<std::pair<std::string, std::string>> values_in_force(const CLI::App& command,
                                                                 const std::vector<std::string>& without) {
  std::vector<std::pair<std::string, std::string>> values;
  for (const CLI::Option* option : command.get_options()) {
    const std::string name = option->get_single_name();
    if (name == "help" || name == "config" || std::find(without.begin(), without.end(), name) != without.end())
      continue;
    std::string value = option->get_default_str();
    if (option->count() > 0) {
      value.clear();
      for (const std::string& result : option->reduced_results()) value += (value.empty() ? "" : ",") + result;
    }
    // CLI11 prints lists as [a,b].
    if (value.starts_with("[") && value.ends_with("]")) value = value.substr(1, value.size() - 2);
    values.emplace_back(name, toml_value(value));
  }
  return values;
}

}  // namespace minissl
