#include "tensor/ops/matmul.h"

#include <map>
#include <memory>
#include <mutex>

#include "tensor/cuda/cublas.h"
#include "tensor/cuda/matmul_problem.h"
#include "tensor/cuda/runtime.h"

// Matrix products by cuBLASLt. Algorithms whose result depends on the order in which blocks finish are excluded, and
// its favourite among the others is used: the same bits every time.
namespace minissl::cuda {
namespace {

void check(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) [[unlikely]]
    fail("cuBLAS: {}: {}", what, cublas_lt().status_string(status));
}

cudaDataType_t data_type(DType type) {
  switch (type) {
    case DType::f64:
      return CUDA_R_64F;
    case DType::bf16:
      return CUDA_R_16BF;
    default:
      return CUDA_R_32F;
  }
}

template <auto destroy>
struct Destroy {
  template <class Description>
  void operator()(Description* description) const {
    (cublas_lt().*destroy)(description);
  }
};
template <class Handle, auto destroy>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Destroy<destroy>>;
using Layout = Owned<cublasLtMatrixLayout_t, &CublasLtFunctions::destroy_layout>;
using Product = Owned<cublasLtMatmulDesc_t, &CublasLtFunctions::destroy_product>;
using Preference = Owned<cublasLtMatmulPreference_t, &CublasLtFunctions::destroy_preference>;

// `batch` matrices, one after the other.
Layout layout(DType type, int64_t rows, int64_t columns, int64_t batch) {
  cublasLtMatrixLayout_t made = nullptr;
  check(cublas_lt().create_layout(&made, data_type(type), static_cast<uint64_t>(rows), static_cast<uint64_t>(columns),
                                  std::max<int64_t>(rows, 1)),
        "describing a matrix");
  Layout result(made);
  if (batch == 1) return result;
  const auto set = [&](cublasLtMatrixLayoutAttribute_t attribute, const auto& value) {
    check(cublas_lt().set_layout_attribute(made, attribute, &value, sizeof value), "describing a batch of matrices");
  };
  set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, static_cast<int32_t>(batch));
  set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, rows * columns);
  return result;
}

Product product(const MatmulProblem& p) {
  const cublasComputeType_t compute = p.in == DType::f64 ? CUBLAS_COMPUTE_64F
                                      : p.tf32           ? CUBLAS_COMPUTE_32F_FAST_TF32
                                                         : CUBLAS_COMPUTE_32F;
  cublasLtMatmulDesc_t made = nullptr;
  check(cublas_lt().create_product(&made, compute, data_type(master_type(p.in))), "describing a product");
  Product result(made);
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, bool transposed) {
    const cublasOperation_t operation = transposed ? CUBLAS_OP_T : CUBLAS_OP_N;
    check(cublas_lt().set_product_attribute(made, attribute, &operation, sizeof operation), "describing a product");
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, p.left.transposed);
  set(CUBLASLT_MATMUL_DESC_TRANSB, p.right.transposed);
  return result;
}

/// How one problem is computed.
struct Plan {
  Layout left, right, out;
  Product product;
  cublasLtMatmulAlgo_t algorithm{};
};

/// cuBLASLt on one device, its workspace, and the plans made so far. The workspace is not from the allocator; a
/// device's work is done in order, so one workspace serves all products.
class CublasLt {
 public:
  static constexpr size_t workspace_bytes = size_t{32} << 20;

  explicit CublasLt(Device device) : stream_(stream(device)) {
    check(cublas_lt().create(&handle_), "starting");
    cuda::check(cudaMalloc(&workspace_, workspace_bytes), "workspace for matrix products");
  }

  void run(const MatmulProblem& problem, const void* left, const void* right, void* out) {
    const std::lock_guard lock(mutex_);
    auto known = plans_.find(problem);
    if (known == plans_.end()) known = plans_.emplace(problem, choose(problem)).first;
    const Plan& plan = known->second;
    const double one64 = 1, zero64 = 0;
    const float one32 = 1, zero32 = 0;
    const bool f64 = problem.in == DType::f64;
    const void* one = f64 ? static_cast<const void*>(&one64) : &one32;
    const void* zero = f64 ? static_cast<const void*>(&zero64) : &zero32;
    check(
        cublas_lt().matmul(handle_, plan.product.get(), one, left, plan.left.get(), right, plan.right.get(), zero, out,
                           plan.out.get(), out, plan.out.get(), &plan.algorithm, workspace_, workspace_bytes, stream_),
        "matmul");
  }

 private:
  Plan choose(const MatmulProblem& p) {
    Plan plan{layout(p.in, p.left.rows, p.left.columns, p.batch), layout(p.in, p.right.rows, p.right.columns, p.batch),
              layout(p.out, p.rows, p.columns, p.batch), product(p)};
    cublasLtMatmulPreference_t made = nullptr;
    check(cublas_lt().create_preference(&made), "describing a preference");
    const Preference preference(made);
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
      check(cublas_lt().set_preference_attribute(made, attribute, &value, sizeof value), "describing a preference");
    };
    prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes);
    // Long sums may be split into parts that are then added in a fixed order in f32 (f64), but not as they finish.
    prefer(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
           static_cast<uint32_t>(CUBLASLT_REDUCTION_SCHEME_NONE | CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE));
    for (const auto attribute :
         {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
          CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
      prefer(attribute, static_cast<uint32_t>(p.alignment));
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    check(cublas_lt().find_algorithms(handle_, plan.product.get(), plan.left.get(), plan.right.get(), plan.out.get(),
                                      plan.out.get(), made, 1, &best, &found),
          p.str().c_str());
    require(found > 0, "cuBLAS: no deterministic algorithm for {}", p);
    plan.algorithm = best.algo;
    return plan;
  }

  cudaStream_t stream_;
  cublasLtHandle_t handle_ = nullptr;  // lives as long as the process, and so does the workspace
  void* workspace_ = nullptr;
  std::mutex mutex_;
  std::map<MatmulProblem, Plan> plans_;
};

}  // namespace
}  // namespace minissl::cuda

namespace minissl::ops {

void kernel(Cuda, const MatMul& op) {
  op.c.storage()->bump_version();
  cuda::library_on<cuda::CublasLt>(op.c.device())
      .run(cuda::problem_of(op), op.b.bytes_begin(), op.a.bytes_begin(), op.c.bytes_begin());
}

}  // namespace minissl::ops
