#pragma once
#include <functional>

#include "tensor/graph_memory.h"

struct CUgraphExec_st;  // what the runtime's cudaGraphExec_t points to

namespace minissl::cuda {

/// Work of a device that is recorded once and launched again and again, without what the host did to ask for it: a CUDA
/// graph.
class Graph {
 public:
  /// Calls work(), whose operations on the memory's device are recorded and not done. Tensors that it makes there are
  /// in `memory`, and all gone when it returns; what lasts was there before. What it does on the host is done now, and
  /// never again. Throws Error where it leaves a tensor behind, waits for the device or copies from the host: that
  /// can't be repeated.
  Graph(GraphMemory& memory, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Does the work, in the order of the device's.
  void launch() const;

  /// Whether this thread is recording one.
  static bool recording() { return recording_; }

 private:
  Device device_;
  CUgraphExec_st* executable_ = nullptr;
  static inline thread_local bool recording_ = false;
};

}  // namespace minissl::cuda
