#pragma once
#include <functional>

#include "tensor/graph_memory.h"

struct CUgraphExec_st;  // what the runtime's cudaGraphExec_t points to

namespace minissl::cuda {

/// A CUDA graph: work of a device that is recorded once and launched many times, which saves the host the work of
/// requesting each operation.
class Graph {
 public:
  /// Calls work(), whose operations on the memory's device are recorded but not done. Tensors that it makes there are
  /// in `memory`, and have to be gone when it returns; tensors that last must exist before. What it does on the host is
  /// done now, once. Throws Error where it leaves a tensor behind, waits for the device or copies from the host, which
  /// cannot be repeated.
  Graph(GraphMemory& memory, const std::function<void()>& work);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Does the work, after all work that was requested from the device before.
  void launch() const;

  /// Whether this thread is recording one.
  static bool recording() { return recording_; }

 private:
  Device device_;
  CUgraphExec_st* executable_ = nullptr;
  static inline thread_local bool recording_ = false;
};

}  // namespace minissl::cuda
