# The CUDA backend. MINISSL_CUDA is AUTO (built if CMake finds a toolkit), ON (an error if it doesn't) or OFF;
# MINISSL_HAS_CUDA is the result.

set(MINISSL_CUDA AUTO CACHE STRING "Build the CUDA backend: AUTO (if there is a toolkit), ON or OFF")
set_property(CACHE MINISSL_CUDA PROPERTY STRINGS AUTO ON OFF)

set(MINISSL_HAS_CUDA OFF)
if(MINISSL_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    # cuDNN is packaged separately: by NVIDIA, or as pip's nvidia-cudnn-cu*, which has no unversioned libcudnn.so.
    find_package(CUDAToolkit REQUIRED)
    find_path(MINISSL_CUDNN_INCLUDE cudnn_graph.h HINTS ${CUDNN_ROOT} $ENV{CUDNN_ROOT} ${CUDAToolkit_INCLUDE_DIRS}
      PATH_SUFFIXES include)
    find_library(MINISSL_CUDNN NAMES cudnn libcudnn.so.9 HINTS ${CUDNN_ROOT} $ENV{CUDNN_ROOT} ${CUDAToolkit_LIBRARY_DIR}
      PATH_SUFFIXES lib lib64)
    if(MINISSL_CUDNN_INCLUDE AND MINISSL_CUDNN)
      set(MINISSL_HAS_CUDA ON)
    elseif(MINISSL_CUDA STREQUAL "AUTO")
      message(STATUS "CUDA backend: no cuDNN 9 beside the toolkit; set CUDNN_ROOT to where it is")
    else()
      message(FATAL_ERROR "MINISSL_CUDA=${MINISSL_CUDA}, but there is no cuDNN 9; set CUDNN_ROOT to where it is")
    endif()
  elseif(NOT MINISSL_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "MINISSL_CUDA=${MINISSL_CUDA}, but there is no CUDA compiler; set CUDACXX to where nvcc is")
  endif()
endif()

if(MINISSL_HAS_CUDA)
  # A single architecture keeps builds short: H100 and H200, and later GPUs through PTX.
  set(CMAKE_CUDA_ARCHITECTURES 90 CACHE STRING "GPU architectures to compile for")
  enable_language(CUDA)
  minissl_find_package(CUDAToolkit)
  target_compile_options(minissl_settings INTERFACE
    # CMake 3.25 doesn't know that this nvcc supports C++20.
    $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20 --extended-lambda --expt-relaxed-constexpr>
    $<$<AND:$<COMPILE_LANGUAGE:CUDA>,$<BOOL:${MINISSL_WERROR}>>:--Werror=all-warnings>)
  # fmt 9 disables constexpr under nvcc, which needs it.
  target_compile_definitions(minissl_settings INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:FMT_USE_CONSTEXPR=1>)
  # Planning for a device that is described but not present requires 9.8.
  file(STRINGS ${MINISSL_CUDNN_INCLUDE}/cudnn_version.h minissl_cudnn_lines REGEX "#define CUDNN_(MAJOR|MINOR) [0-9]+$")
  string(REGEX REPLACE "[^0-9;]" "" minissl_cudnn_version "${minissl_cudnn_lines}")
  string(REPLACE ";" "." minissl_cudnn_version "${minissl_cudnn_version}")
  if(minissl_cudnn_version VERSION_LESS 9.8)
    message(FATAL_ERROR "${MINISSL_CUDNN} is cuDNN ${minissl_cudnn_version}; 9.8 or newer is needed, or MINISSL_CUDA=OFF")
  endif()
  # Neither library needs a driver, so the program starts without one. cuBLASLt is loaded when a GPU needs it.
  set(MINISSL_CUDA_LIBRARIES CUDA::cudart_static ${MINISSL_CUDNN} ${CMAKE_DL_LIBS})
  set(CMAKE_INSTALL_RPATH_USE_LINK_PATH ON)
  message(STATUS "CUDA backend: cuDNN ${minissl_cudnn_version}, ${MINISSL_CUDNN}")
  message(STATUS "CUDA backend: built with nvcc ${CMAKE_CUDA_COMPILER_VERSION} for ${CMAKE_CUDA_ARCHITECTURES}")
else()
  message(STATUS "CUDA backend: not built (MINISSL_CUDA=${MINISSL_CUDA}); minissl runs on the CPU alone")
endif()
