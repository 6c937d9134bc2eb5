#include "tests/cuda/simulator/graph.h"

#include <utility>
#include <vector>

using Works = std::vector<std::function<void()>>;

struct CUgraph_st {
  Works works;
};
struct CUgraphExec_st {
  Works works;
};
struct CUstream_st {
  bool capturing = false, invalid = false;
  Works captured{};
};

namespace simulator {

bool capturing(cudaStream_t stream) { return stream->capturing; }

cudaError_t work(cudaStream_t stream, std::function<void()> work) {
  if (stream->invalid) return cudaErrorStreamCaptureInvalidated;
  if (stream->capturing)
    stream->captured.push_back(std::move(work));
  else
    work();
  return cudaSuccess;
}

cudaError_t invalidate(cudaStream_t stream) {
  stream->invalid = true;
  return cudaErrorStreamCaptureUnsupported;
}

}  // namespace simulator

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new CUstream_st;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return stream->capturing ? simulator::invalidate(stream) : cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  if (stream->capturing) return simulator::invalidate(stream);
  stream->capturing = true;
  return cudaSuccess;
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const CUstream_st ended = std::exchange(*stream, {});
  *graph = ended.invalid ? nullptr : new CUgraph_st{ended.captured};
  return ended.invalid ? cudaErrorStreamCaptureInvalidated : cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  *executable = new CUgraphExec_st{graph->works};
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  if (stream->capturing) return simulator::invalidate(stream);
  for (const auto& work : executable->works) work();
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  delete executable;
  return cudaSuccess;
}
