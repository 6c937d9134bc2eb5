#include "tensor/ops/convolution.h"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

#include "tensor/cuda/convolution_finish.h"
#include "tensor/cuda/convolution_plan.h"
#include "tensor/cuda/device.h"
#include "tensor/cuda/h100.h"
#include "tensor/cuda/plan_choices.h"
#include "tensor/cuda/runtime.h"

// Convolution by cuDNN. A plan is chosen once for each problem, by measuring, and remembered in a file
// (plan_choices.h). That happens in the dry run before every run, when memory is free.
namespace minissl::cuda {
namespace {

using cudnn::Descriptor;

constexpr size_t most_candidates = 8;
constexpr int repetitions = 3;

/// Device memory for measuring, not from the allocator: it is freed before there are tensors.
class Buffer {
 public:
  explicit Buffer(int64_t bytes) {
    if (bytes == 0) return;
    check(cudaMalloc(&memory_, static_cast<size_t>(bytes)), "memory to measure convolutions with");
    check(cudaMemset(memory_, 0, static_cast<size_t>(bytes)), "clearing it");
  }
  ~Buffer() { cudaFree(memory_); }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  void* get() const { return memory_; }

 private:
  void* memory_ = nullptr;
};

class Event {
 public:
  Event() { check(cudaEventCreate(&event_), "making an event"); }
  ~Event() { cudaEventDestroy(event_); }
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  void record(cudaStream_t on) { check(cudaEventRecord(event_, on), "recording an event"); }
  float milliseconds_since(const Event& start) const {
    float result = 0;
    check(cudaEventSynchronize(event_), "waiting for an event");
    check(cudaEventElapsedTime(&result, start.event_, event_), "reading a time");
    return result;
  }

 private:
  cudaEvent_t event_ = nullptr;
};

int64_t bytes_of(const Extents& e, DType type) { return e[0] * e[1] * e[2] * e[3] * size_of(type); }

/// cuDNN on one device, and the plans made so far.
class Cudnn {
 public:
  explicit Cudnn(Device device)
      : stream_(stream(device)),
        properties_(cudnn::device_properties(device.index)),
        choices_(plan_choices_file()),
        environment_(fmt::format("{} cuDNN {} ", cuda::properties(device).name, cudnnGetVersion())) {
    cudnn::check(cudnnCreate(&handle_), "starting");
    cudnn::check(cudnnSetStream(handle_, stream_), "choosing its stream");
  }

  const ConvolutionPlan& plan(const ConvolutionProblem& problem) {
    const std::lock_guard lock(mutex_);
    const auto known = plans_.find(problem);
    return known != plans_.end() ? known->second : plans_.emplace(problem, choose(problem)).first->second;
  }

  void run(const ConvolutionPlan& plan, void* x, void* w, void* y, void* workspace) {
    Descriptor tensors(CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR);
    tensors
        .set_all(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS,
                 std::array{ConvolutionGraph::x, ConvolutionGraph::w, ConvolutionGraph::y})
        .set_pointers(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, {x, w, y})
        .set_pointers(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, {workspace})
        .finalize();
    cudnn::check(cudnnBackendExecute(handle_, plan.plan.get(), tensors.get()), "convolution");
  }

 private:
  ConvolutionPlan choose(const ConvolutionProblem& problem) {
    const ConvolutionGraph graph(problem);
    std::vector<ConvolutionPlan> plans = candidates(problem, graph, properties_, most_candidates);
    const auto named = [&](const std::string& name) {
      return std::find_if(plans.begin(), plans.end(), [&](const ConvolutionPlan& p) { return p.name == name; });
    };
    const std::string key = environment_ + problem.str();
    auto chosen = named(choices_.find(key));
    if (chosen == plans.end()) chosen = named(choices_.add(key, fastest(problem, plans).name));
    require(chosen != plans.end(), "{}: it names a plan that cuDNN doesn't offer; remove the line, or the file: {}",
            choices_.file().string(), key);
    return std::move(*chosen);
  }

  const ConvolutionPlan& fastest(const ConvolutionProblem& problem, const std::vector<ConvolutionPlan>& plans) {
    if (plans.size() == 1) return plans.front();
    cudaStreamCaptureStatus capture{};
    check(cudaStreamIsCapturing(stream_, &capture), "asking for the stream's state");
    require(capture == cudaStreamCaptureStatusNone,
            "a convolution that never ran before can't be part of a CUDA graph: run the step once without ({})",
            problem);
    int64_t workspace = 0;
    for (const ConvolutionPlan& plan : plans) workspace = std::max(workspace, plan.workspace);
    const Buffer x(bytes_of(problem.x, problem.type)), w(bytes_of(problem.w, problem.type)),
        y(bytes_of(problem.y, problem.type)), space(workspace);
    const ConvolutionPlan* best = nullptr;
    float least = std::numeric_limits<float>::infinity();
    for (const ConvolutionPlan& plan : plans)
      for (int i = 0; i <= repetitions; ++i) {
        Event start, end;
        start.record(stream_);
        run(plan, x.get(), w.get(), y.get(), space.get());
        end.record(stream_);
        const float took = end.milliseconds_since(start);
        if (i > 0 && took < least) least = took, best = &plan;  // the first run includes loading code
      }
    return *best;
  }

  cudaStream_t stream_;
  cudnnHandle_t handle_ = nullptr;  // lives as long as the process
  Descriptor properties_;
  PlanChoices choices_;
  std::string environment_;
  std::mutex mutex_;
  std::map<ConvolutionProblem, ConvolutionPlan> plans_;  // elements of a map do not move
};

void* bytes(const Tensor& t) { return t.bytes_begin(); }

void run(const ConvolutionProblem& problem, const Tensor& x, const Tensor& w, const Tensor& y, const Tensor& output) {
  const Device device = output.device();
  Cudnn& library = library_on<Cudnn>(device);
  const ConvolutionPlan& plan = library.plan(problem);
  const TagScope tag(MemoryTag::workspace);
  const Tensor workspace = plan.workspace > 0 ? Tensor::empty({plan.workspace}, DType::u8, device) : Tensor();
  output.storage()->bump_version();
  library.run(plan, bytes(x), bytes(w), bytes(y), workspace.defined() ? bytes(workspace) : nullptr);
}

// Where there is no GPU to ask: the workspace of cuDNN's favourite plan for an H100.
int64_t workspace_without_gpu(const ConvolutionProblem& problem) {
  static std::mutex mutex;
  static auto& known = *new std::map<ConvolutionProblem, int64_t>;
  static const Descriptor properties = cudnn::device_properties(h100);
  const std::lock_guard lock(mutex);
  if (const auto found = known.find(problem); found != known.end()) return found->second;
  const ConvolutionGraph graph(problem);
  return known[problem] = candidates(problem, graph, properties, 1).front().workspace;
}

template <class Op>
int64_t planned_workspace(const Op& op) {
  const ConvolutionProblem problem = problem_of(op);
  if (device_count() == 0) return workspace_without_gpu(problem);
  return library_on<Cudnn>(op.dispatch().device()).plan(problem).workspace;
}

}  // namespace
}  // namespace minissl::cuda

namespace minissl::ops {

void kernel(Cuda, const Convolution& op) {
  cuda::run(cuda::problem_of(op), op.x, op.w, op.y, op.y);
  cuda::finish(op);
}
void kernel(Cuda, const ConvolutionInputGradient& op) { cuda::run(cuda::problem_of(op), op.dx, op.w, op.dy, op.dx); }
void kernel(Cuda, const ConvolutionWeightGradient& op) { cuda::run(cuda::problem_of(op), op.x, op.dw, op.dy, op.dw); }

int64_t workspace_bytes(Cuda, const Convolution& op) { return cuda::planned_workspace(op); }
int64_t workspace_bytes(Cuda, const ConvolutionInputGradient& op) { return cuda::planned_workspace(op); }
int64_t workspace_bytes(Cuda, const ConvolutionWeightGradient& op) { return cuda::planned_workspace(op); }

}  // namespace minissl::ops
