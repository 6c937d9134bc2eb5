#pragma once
#include <cublasLt.h>

/// cuBLASLt, loaded when it is first used; internal. The library is half a gigabyte, and a process linked with it
/// takes 150 MiB of memory before it begins: too much for users without a GPU.
namespace minissl::cuda {

/// One of its functions. Throws Error where the library or the function is missing.
void* cublas_lt_function(const char* name);

struct CublasLtFunctions {
#define MINISSL_CUBLASLT_FUNCTION(member, function) \
  decltype(&function) member = reinterpret_cast<decltype(&function)>(cublas_lt_function(#function))
  MINISSL_CUBLASLT_FUNCTION(create, cublasLtCreate);
  MINISSL_CUBLASLT_FUNCTION(status_string, cublasLtGetStatusString);
  MINISSL_CUBLASLT_FUNCTION(matmul, cublasLtMatmul);
  MINISSL_CUBLASLT_FUNCTION(find_algorithms, cublasLtMatmulAlgoGetHeuristic);
  MINISSL_CUBLASLT_FUNCTION(create_product, cublasLtMatmulDescCreate);
  MINISSL_CUBLASLT_FUNCTION(set_product_attribute, cublasLtMatmulDescSetAttribute);
  MINISSL_CUBLASLT_FUNCTION(destroy_product, cublasLtMatmulDescDestroy);
  MINISSL_CUBLASLT_FUNCTION(create_preference, cublasLtMatmulPreferenceCreate);
  MINISSL_CUBLASLT_FUNCTION(set_preference_attribute, cublasLtMatmulPreferenceSetAttribute);
  MINISSL_CUBLASLT_FUNCTION(destroy_preference, cublasLtMatmulPreferenceDestroy);
  MINISSL_CUBLASLT_FUNCTION(create_layout, cublasLtMatrixLayoutCreate);
  MINISSL_CUBLASLT_FUNCTION(set_layout_attribute, cublasLtMatrixLayoutSetAttribute);
  MINISSL_CUBLASLT_FUNCTION(destroy_layout, cublasLtMatrixLayoutDestroy);
#undef MINISSL_CUBLASLT_FUNCTION
};

/// Searched for as any library, then where it was when minissl was built. Throws Error where it is in neither place.
const CublasLtFunctions& cublas_lt();

}  // namespace minissl::cuda
