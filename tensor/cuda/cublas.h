#pragma once
#include <cublasLt.h>

/// cuBLASLt, loaded when it is first asked for; internal. The library is half a gigabyte, of which a process that is
/// linked with it has 150 MiB in memory before it begins: too much for all who have no GPU.
namespace minissl::cuda {

struct CublasLtFunctions {
  decltype(&cublasLtCreate) create;
  decltype(&cublasLtGetStatusString) status_string;
  decltype(&cublasLtMatmul) matmul;
  decltype(&cublasLtMatmulAlgoGetHeuristic) find_algorithms;
  decltype(&cublasLtMatmulDescCreate) create_product;
  decltype(&cublasLtMatmulDescSetAttribute) set_product_attribute;
  decltype(&cublasLtMatmulDescDestroy) destroy_product;
  decltype(&cublasLtMatmulPreferenceCreate) create_preference;
  decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference_attribute;
  decltype(&cublasLtMatmulPreferenceDestroy) destroy_preference;
  decltype(&cublasLtMatrixLayoutCreate) create_layout;
  decltype(&cublasLtMatrixLayoutDestroy) destroy_layout;
};

/// Looked for as the system looks for libraries, then where it was when minissl was built. Throws Error where it isn't.
const CublasLtFunctions& cublas_lt();

}  // namespace minissl::cuda
