#include "tensor/cuda/graph.h"

#include <utility>

#include "tensor/cuda/runtime.h"

namespace minissl::cuda {

Graph::Graph(GraphMemory& memory, const std::function<void()>& work) : device_(memory.device()) {
  const cudaStream_t on = stream(device_);
  // Relaxed, since memory may be allocated while the graph is recorded.
  check(cudaStreamBeginCapture(on, cudaStreamCaptureModeRelaxed), "recording a graph");
  cudaGraph_t graph = nullptr;
  recording_ = true;
  int64_t left = 0;
  try {
    GraphMemory::Recording recording(memory);
    work();
    left = recording.end();
    recording_ = false;
  } catch (...) {
    recording_ = false;
    cudaStreamEndCapture(on, &graph);
    if (graph) cudaGraphDestroy(graph);
    cudaGetLastError();  // it would be reported again
    throw;
  }
  check(cudaStreamEndCapture(on, &graph), "recording a graph");
  const cudaError_t status = cudaGraphInstantiate(&executable_, graph, 0);
  cudaGraphDestroy(graph);
  check(status, "making a graph ready");
  if (left == 0) return;
  cudaGraphExecDestroy(executable_);
  fail("work that is to be repeated leaves {} in the memory of its CUDA graph", format_bytes(left));
}

Graph::~Graph() { cudaGraphExecDestroy(executable_); }

void Graph::launch() const { check(cudaGraphLaunch(executable_, stream(device_)), "launching a graph"); }

}  // namespace minissl::cuda
