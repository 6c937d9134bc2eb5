# The CUDA backend. MINISSL_CUDA is AUTO (built where CMake finds a toolkit), ON (an error where it doesn't) or OFF;
# MINISSL_HAS_CUDA is what became of it.

set(MINISSL_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO (where there is a toolkit), ON or OFF")
set_property(CACHE MINISSL_CUDA PROPERTY STRINGS AUTO ON OFF)

set(MINISSL_HAS_CUDA OFF)
if(MINISSL_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    set(MINISSL_HAS_CUDA ON)
  elseif(NOT MINISSL_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "MINISSL_CUDA=${MINISSL_CUDA}, but there is no CUDA compiler; set CUDACXX to where nvcc is")
  endif()
endif()

if(MINISSL_HAS_CUDA)
  # One, to keep builds short: H100 and H200, and what comes after them by way of PTX.
  set(CMAKE_CUDA_ARCHITECTURES 90 CACHE STRING "GPU architectures to compile for")
  enable_language(CUDA)
  minissl_find_package(CUDAToolkit)
  target_compile_options(minissl_settings INTERFACE
    # CMake 3.25 doesn't know that this nvcc speaks C++20.
    $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 --extended-lambda --expt-relaxed-constexpr>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${MINISSL_WERROR}>>:--Werror=all-warnings>)
  # fmt 9 avoids constexpr under nvcc, which then misses it.
  target_compile_definitions(minissl_settings INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1>)
  message(STATUS "CUDA backend: built with nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "CUDA backend: not built (MINISSL_CUDA=${MINISSL_CUDA}); minissl runs on the CPU alone")
endif()
