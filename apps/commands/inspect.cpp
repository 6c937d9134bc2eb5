#include "apps/given_weights.h"
#include "apps/memory_flags.h"
#include "apps/method_flags.h"
#include "apps/option_flags.h"
#include "apps/output_check.h"
#include "apps/standard_streams.h"
#include "nn/state_file.h"
#include "ssl/step/step_record.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/transpose.h"

namespace minissl {
namespace {

struct InspectStep {
  CommonFlags common;
  NetworkFlags network;
  MethodFlags method;
  MemoryFlags memory;
  OptimizerOptions optimizer;
  std::string weights, views, out;
  int64_t steps = 1, schedule_steps = 0;
  double lr = 1e-3, clip_norm = 0;

  void run() const;
};

// The height and width of a step's first view, or `otherwise` for a file that has none, which read_batch then refuses.
int64_t image_size(const SafetensorsReader& file, const Method& method, int64_t step, int64_t otherwise) {
  const std::string name = fmt::format("step{}/{}", step, method.request({}, otherwise).view_names().front());
  return file.contains(name) && file.find(name).shape.rank() == 4 ? file.find(name).shape[3] : otherwise;
}

// The input of a method's step: views, (N, C, H, W) in the file, and the tensors that it would draw. `size` is for a
// file without views.
Batch read_batch(const SafetensorsReader& file, const Method& method, int64_t step, DType dtype, int64_t channels,
                 int64_t size) {
  // Checked in the header before it is read.
  const auto read = [&](const std::string& what, const auto& fits, const std::string& wanted) {
    const std::string name = fmt::format("step{}/{}", step, what);
    require(file.contains(name), "{}: no tensor {} in it; every step needs {}", file.path().string(), name, what);
    const StoredTensor& stored = file.find(name);
    require(fits(stored), "{}: {} is {}{}, not {}", file.path().string(), name, stored.stored_as, stored.shape, wanted);
    return file.read(name);
  };
  const BatchRequest request = method.request({}, image_size(file, method, step, size));
  Batch batch;
  for (const std::string& name : request.view_names()) {
    const auto are_images = [&](const StoredTensor& t) {
      return is_floating(t.dtype) && t.shape.rank() == 4 && t.shape[1] == channels && t.shape.numel() > 0 &&
             (batch.views.empty() || t.shape[0] == batch.images());
    };
    const std::string images = batch.views.empty() ? "N" : std::to_string(batch.images());
    const Tensor stored =
        read(name, are_images, fmt::format("floats ({}, {}, H, W); see --channels", images, channels));
    batch.views.push_back(ops::cast(ops::nchw_to_nhwc(stored), dtype).to(DeviceScope::current()));
  }
  for (const auto& entry : request.drawn({0, 0, batch.images()})) {
    const Tensor& drawn = entry.second;
    if (const std::string& name = entry.first; name.ends_with("_key")) {
      const std::string numbers = name.substr(0, name.size() - 4);
      const auto are_numbers = [](const StoredTensor& t) { return is_floating(t.dtype); };
      batch.drawn.emplace_back(numbers, read(numbers, are_numbers, "floats").to(DeviceScope::current()));
      continue;
    }
    const auto is_alike = [&](const StoredTensor& t) {
      return is_floating(t.dtype) == is_floating(drawn.dtype()) && t.shape == drawn.shape();
    };
    batch.drawn.emplace_back(entry.first, read(entry.first, is_alike, drawn.str()).to(DeviceScope::current()));
  }
  return batch;
}

void InspectStep::run() const {
  require_writable_file(out);
  const DeviceScope device = common.apply();
  const DType dtype = common.dtype();
  const auto net = method.make(network, common.seed, master_type(dtype));
  load_given_weights(*net, std::nullopt);
  load_state(*net, SafetensorsReader(weights));
  const SafetensorsReader view_file(views);
  const Shape images = read_batch(view_file, *net, 0, dtype, network.channels, network.size).views[0].shape();
  require(!network.given.contains("size") || images[1] == network.size,
          "{}: its views have {} pixels, not {}; leave --size out", views, images[1], network.size);
  StepDescription description = describe_step(method, network, optimizer, images[0], dtype);
  description.images = images;
  const RecomputePlan plan = memory.plan(description).recompute;
  const NamedTensors written = record_steps(
      *net, optimizer, Schedule{"constant", lr}, steps, plan,
      [&](int64_t step) { return read_batch(view_file, *net, step, dtype, network.channels, network.size); }, clip_norm,
      schedule_steps);
  save_safetensors(out, written,
                   {{"method", method.method()}, {"arch", network.arch}, {"precision", common.precision}});
  say(fmt::format("{} tensors of {} steps written to {}", written.size(), steps, out));
}

void add_step(CLI::App& inspect) {
  const std::string help = "Run steps on given weights and views and write all tensors to a file";
  add_command_of_each_method(inspect, "step", help, [](CLI::App& command, const std::string& name) {
    auto flags = std::make_shared<InspectStep>();
    flags->method = MethodFlags(name);
    add_flag(command, "weights", flags->weights, "all weights before the first step (.safetensors)",
             {.required = true});
    add_flag(command, "views", flags->views,
             "input of the steps: step0/view1, step0/view2 (N, C, H, W), ... (.safetensors)", {.required = true});
    add_flag(command, "out", flags->out, "output file for all tensors (.safetensors)", {.required = true});
    add_flag(command, "steps", flags->steps, "number of steps", {.range = {1, 1000000}});
    add_flag(command, "lr", flags->lr, "learning rate", {.range = Schedule::peak_range});
    add_flag(command, "clip-norm", flags->clip_norm, "bound on the gradient's norm (0: off)",
             {.range = Range::at_least(0)});
    add_flag(command, "schedule-steps", flags->schedule_steps,
             "length of the run to which the momentum's schedule refers, one step an epoch (0: endless)",
             {.range = {0, 1e15}});
    add_option_flags(command, [&o = flags->optimizer](OptionVisitor& visitor) { o.visit(visitor); });
    flags->network.add_to(command);
    flags->method.add_to(command);
    flags->memory.add_to(command);
    flags->common.add_to(command);
    set_action(command, [flags] { flags->run(); });
  });
}

}  // namespace

void add_inspect(CLI::App& app) {
  CLI::App& inspect = add_command_group(app, "inspect", "Look inside a training step");
  add_step(inspect);
  add_inspect_graph(inspect);
  add_inspect_memory(inspect);
  add_inspect_views(inspect);
  add_inspect_checkpoint(inspect);
  add_inspect_leak(inspect);
  add_inspect_reconstruct(inspect);
}

}  // namespace minissl
