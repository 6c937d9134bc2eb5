#include "tensor/cuda/cublas.h"

#include <dlfcn.h>

#include "tensor/error.h"

#define MINISSL_TEXT_OF(macro) MINISSL_TEXT(macro)
#define MINISSL_TEXT(text) #text

namespace minissl::cuda {
namespace {

// Not closed: the driver may call it until the process ends.
void* open_library() {
  constexpr const char* name = "libcublasLt.so." MINISSL_TEXT_OF(CUBLAS_VER_MAJOR);
  for (const char* path : {name, MINISSL_CUBLASLT})
    if (void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL)) return library;
  fail("{} can't be loaded ({}); set LD_LIBRARY_PATH to where it is", name, dlerror());
}

template <class Function>
void find(void* library, Function& function, const char* name) {
  function = reinterpret_cast<Function>(dlsym(library, name));
  require(function != nullptr, "cuBLAS has no {}", name);
}

CublasLtFunctions load() {
  void* library = open_library();
  CublasLtFunctions f{};
  find(library, f.create, "cublasLtCreate");
  find(library, f.status_string, "cublasLtGetStatusString");
  find(library, f.matmul, "cublasLtMatmul");
  find(library, f.find_algorithms, "cublasLtMatmulAlgoGetHeuristic");
  find(library, f.create_product, "cublasLtMatmulDescCreate");
  find(library, f.set_product_attribute, "cublasLtMatmulDescSetAttribute");
  find(library, f.destroy_product, "cublasLtMatmulDescDestroy");
  find(library, f.create_preference, "cublasLtMatmulPreferenceCreate");
  find(library, f.set_preference_attribute, "cublasLtMatmulPreferenceSetAttribute");
  find(library, f.destroy_preference, "cublasLtMatmulPreferenceDestroy");
  find(library, f.create_layout, "cublasLtMatrixLayoutCreate");
  find(library, f.destroy_layout, "cublasLtMatrixLayoutDestroy");
  return f;
}

}  // namespace

const CublasLtFunctions& cublas_lt() {
  static const CublasLtFunctions functions = load();
  return functions;
}

}  // namespace minissl::cuda
