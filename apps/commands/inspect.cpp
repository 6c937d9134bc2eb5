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
  int64_t steps = 1;
  double lr = 1e-3;

  void run() const;
};

// The input of a method's step: views, (N, C, H, W) in the file, and the tensors that it would draw.
Batch read_batch(const SafetensorsReader& file, const Method& method, int64_t step, DType dtype, int64_t channels) {
  // Checked in the header before it is read.
  const auto read = [&](const std::string& what, const auto& fits, const std::string& wanted) {
    const std::string name = fmt::format("step{}/{}", step, what);
    require(file.contains(name), "{}: no tensor {} in it; every step needs {}", file.path().string(), name, what);
    const StoredTensor& stored = file.find(name);
    require(fits(stored), "{}: {} is {}{}, not {}", file.path().string(), name, stored.stored_as, stored.shape.str(),
            wanted);
    return file.read(name);
  };
  const BatchRequest request = method.request({}, 1);
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
    const auto is_alike = [&](const StoredTensor& t) {
      return is_floating(t.dtype) == is_floating(drawn.dtype()) && t.shape == drawn.shape();
    };
    batch.drawn.emplace_back(entry.first, read(entry.first, is_alike, drawn.str()));
  }
  return batch;
}

void InspectStep::run() const {
  require_writable_file(out);
  const DeviceScope device = common.apply();
  const DType dtype = common.dtype();
  const auto net = method.make(network, common.seed, master_type(dtype));
  load_state(*net, SafetensorsReader(weights));
  const SafetensorsReader view_file(views);
  const Shape images = read_batch(view_file, *net, 0, dtype, network.channels).views[0].shape();
  require(!network.given.contains("size") || images[1] == network.size,
          "{}: its views have {} pixels, not {}; leave --size out", views, images[1], network.size);
  StepDescription description = describe_step(method, network, optimizer, images[0], dtype);
  description.images = images;
  const RecomputePlan plan = memory.plan(description).recompute;
  const NamedTensors written = record_steps(*net, optimizer, Schedule{"constant", lr}, steps, plan, [&](int64_t step) {
    return read_batch(view_file, *net, step, dtype, network.channels);
  });
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
}

}  // namespace minissl
