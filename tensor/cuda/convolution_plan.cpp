#include "tensor/cuda/convolution_plan.h"

#include <algorithm>
#include <optional>

namespace minissl::cuda {
namespace {

using cudnn::Descriptor;
using Direction = ConvolutionProblem::Direction;
using Note = cudnnBackendNumericalNote_t;

cudnnDataType_t data_type(DType type) {
  switch (type) {
    case DType::f32:
      return CUDNN_DATA_FLOAT;
    case DType::f64:
      return CUDNN_DATA_DOUBLE;
    case DType::bf16:
      return CUDNN_DATA_BFLOAT16;
    default:
      fail("cuDNN: no convolutions of {}", name_of(type));
  }
}

Descriptor tensor(int64_t name, const Extents& extents, const ConvolutionProblem& problem) {
  Descriptor d(CUDNN_BACKEND_TENSOR_DESCRIPTOR);
  d.set(CUDNN_ATTR_TENSOR_UNIQUE_ID, name)
      .set(CUDNN_ATTR_TENSOR_DATA_TYPE, data_type(problem.type))
      .set(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, problem.alignment)
      .set_all(CUDNN_ATTR_TENSOR_DIMENSIONS, extents)
      .set_all(CUDNN_ATTR_TENSOR_STRIDES, channels_last_strides(extents))
      .finalize();
  return d;
}

Descriptor convolution(const ConvolutionProblem& problem) {
  using Pair = std::array<int64_t, 2>;
  const Pair padding{problem.padding, problem.padding}, stride{problem.stride, problem.stride};
  Descriptor d(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
  d.set(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, int64_t{2})
      .set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, data_type(master_type(problem.type)))
      .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_CROSS_CORRELATION)
      .set_all(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, padding)
      .set_all(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, padding)
      .set_all(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, stride)
      .set_all(CUDNN_ATTR_CONVOLUTION_DILATIONS, Pair{1, 1})
      .finalize();
  return d;
}

/// The names of a direction's descriptor and its attributes.
struct Names {
  cudnnBackendDescriptorType_t operation;
  cudnnBackendAttributeName_t x, w, y, convolution, alpha, beta;
};
Names names_of(Direction direction) {
  switch (direction) {
    case Direction::forward:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA};
    case Direction::input_gradient:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA};
    case Direction::weight_gradient:
      return {CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA,
              CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA};
  }
  fail("unknown direction");
}

Descriptor operation(const ConvolutionProblem& problem, const Descriptor& x, const Descriptor& w, const Descriptor& y,
                     const Descriptor& convolution) {
  const Names names = names_of(problem.direction);
  Descriptor d(names.operation);
  d.set(names.x, x).set(names.w, w).set(names.y, y).set(names.convolution, convolution);
  if (problem.type == DType::f64)
    d.set(names.alpha, 1.0).set(names.beta, 0.0);
  else
    d.set(names.alpha, 1.0f).set(names.beta, 0.0f);
  d.finalize();
  return d;
}

Descriptor graph(const Descriptor& operation) {
  Descriptor d(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
  d.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, operation).finalize();
  return d;
}

std::vector<Descriptor> engine_configurations(const ConvolutionGraph& graph, const Descriptor& device,
                                              cudnnBackendHeurMode_t mode) {
  Descriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.get())
      .set(CUDNN_ATTR_ENGINEHEUR_MODE, mode)
      .set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
  if (!heuristics.try_finalize()) return {};
  return heuristics.descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR,
                                heuristics.count_descriptors(CUDNN_ATTR_ENGINEHEUR_RESULTS));
}

// "62:12=1,2=7": the engine and its settings.
std::string name_of(const Descriptor& configuration, const Descriptor& engine) {
  std::string name = fmt::format("{}", engine.value<int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX));
  char separator = ':';
  for (const Descriptor& choice : configuration.descriptors(
           CUDNN_ATTR_ENGINECFG_KNOB_CHOICES, CUDNN_BACKEND_KNOB_CHOICE_DESCRIPTOR, CUDNN_KNOB_TYPE_COUNTS)) {
    name += fmt::format("{}{}={}", separator,
                        static_cast<int>(choice.value<cudnnBackendKnobType_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_TYPE)),
                        choice.value<int64_t>(CUDNN_ATTR_KNOB_CHOICE_KNOB_VALUE));
    separator = ',';
  }
  return name;
}

// Nothing where it would compute something else, takes too much memory, or cannot be built.
std::optional<ConvolutionPlan> plan_of(const ConvolutionProblem& problem, Descriptor configuration,
                                       const Descriptor& device) {
  const Descriptor engine = configuration.descriptor(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_BACKEND_ENGINE_DESCRIPTOR);
  if (!computes(problem, engine.values<Note>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE))) return std::nullopt;
  // These take seconds each, and nvrtc; precompiled engines are nearly as fast.
  const auto behaviour = engine.values<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE);
  if (std::find(behaviour.begin(), behaviour.end(), CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) != behaviour.end())
    return std::nullopt;
  Descriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
  plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, configuration).set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
  if (!plan.try_finalize()) return std::nullopt;
  std::string name = name_of(configuration, engine);
  const auto workspace = plan.value<int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE);
  if (workspace > workspace_limit) return std::nullopt;
  return ConvolutionPlan{std::move(configuration), std::move(plan), std::move(name), workspace};
}

}  // namespace

ConvolutionGraph::ConvolutionGraph(const ConvolutionProblem& problem)
    : x_(tensor(x, problem.x, problem)),
      w_(tensor(w, problem.w, problem)),
      y_(tensor(y, problem.y, problem)),
      convolution_(convolution(problem)),
      operation_(operation(problem, x_, w_, y_, convolution_)),
      graph_(graph(operation_)) {}

bool computes(const ConvolutionProblem& problem, const std::vector<Note>& notes) {
  return std::none_of(notes.begin(), notes.end(), [&](Note note) {
    switch (note) {
      case CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC:
      case CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS:
      case CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION:
      case CUDNN_NUMERICAL_NOTE_FFT:
        return true;
      case CUDNN_NUMERICAL_NOTE_TENSOR_CORE:
        return problem.type == DType::f32 && !problem.tf32;
      case CUDNN_NUMERICAL_NOTE_WINOGRAD:
      case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4:
      case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_6x6:
      case CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_13x13:
        return !problem.winograd;
      default:
        return false;
    }
  });
}

std::vector<ConvolutionPlan> candidates(const ConvolutionProblem& problem, const ConvolutionGraph& graph,
                                        const Descriptor& device, size_t most) {
  std::vector<ConvolutionPlan> plans;
  // The fallback finds engines that the first heuristic leaves out, for problems where that finds none.
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    if (!plans.empty()) break;
    for (Descriptor& configuration : engine_configurations(graph, device, mode)) {
      if (plans.size() == most) break;
      std::optional<ConvolutionPlan> plan = plan_of(problem, std::move(configuration), device);
      const auto same = [&](const ConvolutionPlan& p) { return p.name == plan->name; };
      if (!plan || std::any_of(plans.begin(), plans.end(), same)) continue;
      plans.push_back(std::move(*plan));
    }
  }
  require(!plans.empty(), "cuDNN: no deterministic way within {} of workspace to do the convolution {}",
          format_bytes(workspace_limit), problem);
  return plans;
}

}  // namespace minissl::cuda
