#include "tensor/cuda/cublas.h"

#include <dlfcn.h>

#include "tensor/error.h"

#define MINISSL_TEXT_OF(macro) MINISSL_TEXT(macro)
#define MINISSL_TEXT(text) #text

namespace minissl::cuda {
namespace {

// Never closed: the driver may call it until the process ends.
void* open_library() {
  constexpr const char* name = "libcublasLt.so." MINISSL_TEXT_OF(CUBLAS_VER_MAJOR);
  for (const char* path : {name, MINISSL_CUBLASLT})
    if (void* library = dlopen(path, RTLD_NOW | RTLD_LOCAL)) return library;
  fail("{} can't be loaded ({}); set LD_LIBRARY_PATH to where it is", name, dlerror());
}

}  // namespace

void* cublas_lt_function(const char* name) {
  static void* const library = open_library();
  void* function = dlsym(library, name);
  require(function != nullptr, "cuBLAS has no {}", name);
  return function;
}

const CublasLtFunctions& cublas_lt() {
  static const CublasLtFunctions functions;
  return functions;
}

}  // namespace minissl::cuda
