#pragma once
#include <string>
#include <vector>

#include "tensor/cuda/convolution_problem.h"
#include "tensor/cuda/cudnn.h"

/// cuDNN's ways to compute a convolution; internal.
namespace minissl::cuda {

/// The most memory that a plan may take while it runs. In float32 without tensor cores, cuDNN's faster plans copy
/// images to NCHW: 0.6 GiB for the largest ones of a ResNet at a batch of 512.
inline constexpr int64_t workspace_limit = int64_t{1} << 30;

/// A problem as a cuDNN graph of one operation.
class ConvolutionGraph {
 public:
  explicit ConvolutionGraph(const ConvolutionProblem& problem);
  const cudnn::Descriptor& get() const { return graph_; }

  // Tensors' names in the graph.
  static constexpr int64_t x = 'x', w = 'w', y = 'y';

 private:
  cudnn::Descriptor x_, w_, y_, convolution_, operation_, graph_;
};

/// One plan, ready to run.
struct ConvolutionPlan {
  cudnn::Descriptor configuration, plan;
  std::string name;   ///< of the engine and its settings: the same for the same library and device
  int64_t workspace;  ///< bytes
};

/// Whether an engine with these notes computes what the problem asks for: the same bits every time, sums in f32 (in f64
/// for f64), factors rounded to tf32 only where that is allowed, no Fourier transforms.
bool computes(const ConvolutionProblem& problem, const std::vector<cudnnBackendNumericalNote_t>& notes);

/// At most `most` plans for a problem on a device, cuDNN's favourite first. Throws Error when there is none.
std::vector<ConvolutionPlan> candidates(const ConvolutionProblem& problem, const ConvolutionGraph& graph,
                                        const cudnn::Descriptor& device, size_t most);

}  // namespace minissl::cuda
