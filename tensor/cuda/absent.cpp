#include "tensor/cuda/device.h"
#include "tensor/cuda/graph.h"
#include "tensor/cuda/pinned.h"
#include "tensor/ops/adamw.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/attention.h"
#include "tensor/ops/batch_norm.h"
#include "tensor/ops/cells.h"
#include "tensor/ops/clip.h"
#include "tensor/ops/columns.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/diagonal.h"
#include "tensor/ops/distillation.h"
#include "tensor/ops/drop_path.h"
#include "tensor/ops/elementwise.h"
#include "tensor/ops/gather.h"
#include "tensor/ops/gelu.h"
#include "tensor/ops/gumbel.h"
#include "tensor/ops/info_nce.h"
#include "tensor/ops/lars.h"
#include "tensor/ops/layer_norm.h"
#include "tensor/ops/linear.h"
#include "tensor/ops/lion.h"
#include "tensor/ops/loss.h"
#include "tensor/ops/masked_patches.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/perplexity.h"
#include "tensor/ops/pooling.h"
#include "tensor/ops/random_mask.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/ring.h"
#include "tensor/ops/rows.h"
#include "tensor/ops/sgd.h"
#include "tensor/ops/sinkhorn.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/transpose.h"
#include "tensor/ops/update.h"

// Replaces the backend where there is no CUDA toolkit. No tensor can be put on a GPU, so nothing here is ever reached.
namespace minissl {
namespace cuda {
namespace {

[[noreturn]] void no_backend() { fail("{}", why_none()); }

}  // namespace

int device_count() { return 0; }
std::string why_none() { return "this build has no CUDA backend; build where there is a CUDA toolkit"; }
DeviceProperties properties(Device) { no_backend(); }
std::unique_ptr<MemorySource> memory_source(Device) { no_backend(); }
void copy(const Tensor&, const Tensor&) { no_backend(); }
void convert(const Tensor&, const Tensor&) { no_backend(); }
void fill(const Tensor&, double) { no_backend(); }
std::unique_ptr<Timeline> timeline(Device) { no_backend(); }
void copy_to_host(const Tensor&, std::byte*) { no_backend(); }
void synchronize(Device) { no_backend(); }

Graph::Graph(GraphMemory&, const std::function<void()>&) { no_backend(); }
Graph::~Graph() = default;
void Graph::launch() const { no_backend(); }

PinnedMemory::PinnedMemory(Device, size_t) { no_backend(); }
PinnedMemory::~PinnedMemory() = default;
Marker::Marker(Device) { no_backend(); }
Marker::~Marker() = default;
void Marker::set() { no_backend(); }
bool Marker::reached() const { no_backend(); }
void Marker::wait() const { no_backend(); }

}  // namespace cuda

namespace ops {

#define MINISSL_ABSENT(Op) \
  void kernel(Cuda, const Op&) { cuda::no_backend(); }
MINISSL_ABSENT(Accuracy)
MINISSL_ABSENT(Argmax)
MINISSL_ABSENT(Hardmax)
MINISSL_ABSENT(Attention)
MINISSL_ABSENT(AttentionGradient)
MINISSL_ABSENT(BatchNormStatistics)
MINISSL_ABSENT(BatchNorm)
MINISSL_ABSENT(BatchNormGradientSums)
MINISSL_ABSENT(BatchNormGradient)
MINISSL_ABSENT(TrackStatistics)
MINISSL_ABSENT(CellPositions)
MINISSL_ABSENT(CellPlaces)
MINISSL_ABSENT(CenterColumns)
MINISSL_ABSENT(CenteredSoftmax)
MINISSL_ABSENT(SelfDistillation)
MINISSL_ABSENT(SelfDistillationGradient)
MINISSL_ABSENT(ClipEach)
MINISSL_ABSENT(Standardize)
MINISSL_ABSENT(StandardizeGradient)
MINISSL_ABSENT(Convolution)
MINISSL_ABSENT(ConvolutionInputGradient)
MINISSL_ABSENT(ConvolutionWeightGradient)
MINISSL_ABSENT(DiagonalDistance)
MINISSL_ABSENT(DiagonalDistanceGradient)
MINISSL_ABSENT(DropPath)
MINISSL_ABSENT(FillDiagonal)
MINISSL_ABSENT(GatherRows)
MINISSL_ABSENT(ScatterRows)
MINISSL_ABSENT(GatherRowsGradient)
MINISSL_ABSENT(GatherFillGradient)
MINISSL_ABSENT(BiasGelu)
MINISSL_ABSENT(BiasGeluGradient)
MINISSL_ABSENT(GumbelNoise)
MINISSL_ABSENT(InfoNce)
MINISSL_ABSENT(InfoNceGradient)
MINISSL_ABSENT(LayerNorm)
MINISSL_ABSENT(LayerNormGradient)
MINISSL_ABSENT(Linear)
MINISSL_ABSENT(MaskedPatches)
MINISSL_ABSENT(MatMul)
MINISSL_ABSENT(Perplexity)
MINISSL_ABSENT(MaxPool)
MINISSL_ABSENT(MaxPoolGradient)
MINISSL_ABSENT(GlobalAveragePool)
MINISSL_ABSENT(GlobalAveragePoolGradient)
MINISSL_ABSENT(RandomMask)
MINISSL_ABSENT(AddRow)
MINISSL_ABSENT(ColumnSum)
MINISSL_ABSENT(ColumnVariance)
MINISSL_ABSENT(ColumnVarianceGradient)
MINISSL_ABSENT(RowDot)
MINISSL_ABSENT(RowScale)
MINISSL_ABSENT(Normalize)
MINISSL_ABSENT(NormalizeGradient)
MINISSL_ABSENT(ConcatColumns)
MINISSL_ABSENT(ConcatRows)
MINISSL_ABSENT(SliceColumns)
MINISSL_ABSENT(Sum)
MINISSL_ABSENT(Expand)
MINISSL_ABSENT(CrossEntropy)
MINISSL_ABSENT(CrossEntropyGradient)
MINISSL_ABSENT(BatchedTranspose)
MINISSL_ABSENT(PermuteRows)
MINISSL_ABSENT(GridPositions)
MINISSL_ABSENT(PushRows)
MINISSL_ABSENT(Sinkhorn)
MINISSL_ABSENT(AdamW)
MINISSL_ABSENT(Sgd)
MINISSL_ABSENT(Lars)
MINISSL_ABSENT(Lion)
MINISSL_ABSENT(Ema)
MINISSL_ABSENT(Accumulate)
MINISSL_ABSENT(Softmax)
MINISSL_ABSENT(SoftmaxGradient)
MINISSL_ABSENT(SoftmaxEntropy)
MINISSL_ABSENT(SoftmaxEntropyGradient)
MINISSL_ABSENT(SquaredNorm)
MINISSL_ABSENT(GradientScale)

// What they would take cannot be known here.
int64_t workspace_bytes(Cuda, const AttentionGradient&) { return 0; }
int64_t workspace_bytes(Cuda, const Convolution&) { return 0; }
int64_t workspace_bytes(Cuda, const ConvolutionInputGradient&) { return 0; }
int64_t workspace_bytes(Cuda, const ConvolutionWeightGradient&) { return 0; }
int64_t workspace_bytes(Cuda, const InfoNce&) { return 0; }
int64_t workspace_bytes(Cuda, const ClipEach&) { return 0; }
int64_t workspace_bytes(Cuda, const Lars&) { return 0; }

template <detail::Elementwise Op>
void kernel(Cuda, const Op&) {
  cuda::no_backend();
}
#include "tensor/cuda/elementwise_instances.h"

}  // namespace ops
}  // namespace minissl
