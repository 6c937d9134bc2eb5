#pragma once
#include <functional>

#include "tensor/graph_memory.h"

struct CUgraphExec_st;  // what the runtime's cudaGraphExec_t points to

namespace minissl::cuda {

/// A CUDA graph: operations on a device that are recorded once and launched many times. The host then makes one request
/// instead of one for each operation.
class Graph {
 public:
  /// Calls work() and records its operations on the memory's device instead of running them. Tensors that it creates on
  /// the device are allocated from `memory`, and must be destroyed before it returns; create tensors that live longer
  /// beforehand. Its code on the host runs once, now. Throws Error if work() leaves a tensor behind, waits for the
  /// device, or copies from the host: a launch could not repeat that.
  Graph(GraphMemory& memory, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Runs the recorded operations, after everything requested from the device before.
  void launch() const;

  /// Whether this thread is recording one.
  static bool recording() { return recording_; }

 private:
  Device device_;
  CUgraphExec_st* executable_ = nullptr;
  static inline thread_local bool recording_ = false;
};

}  // namespace minissl::cuda
