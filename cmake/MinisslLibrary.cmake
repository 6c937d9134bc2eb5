# Settings shared by all targets, and the function that adds a layer of the engine.

add_library(minissl_settings INTERFACE)
target_compile_features(minissl_settings INTERFACE cxx_std_20)
# Nothing reads errno or floating-point exceptions of arithmetic; without these flags loops with an exponential do not become
# vector code.
target_compile_options(minissl_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual
    -fno-math-errno -fno-trapping-math -fopenmp-simd>
  # GCC 12 warns about its own AVX-512 intrinsics (its bug 105593).
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${MINISSL_WERROR}>>:-Werror>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${MINISSL_NATIVE}>>:-march=native>)

# minissl_find_package(NAME ...): find_package with global targets, repeated by the package file of an installed minissl.
# That includes private dependencies, because users of static libraries link them too.
macro(minissl_find_package name)
  find_package(${name} ${ARGN} REQUIRED GLOBAL)
  string(JOIN " " _minissl_arguments ${name} ${ARGN})
  set_property(GLOBAL APPEND_STRING PROPERTY MINISSL_DEPENDENCIES "find_dependency(${_minissl_arguments})\n")
endmacro()

# minissl_pkg_config(PREFIX MODULE ...): the same for libraries with a pkg-config file, as target PkgConfig::PREFIX.
macro(minissl_pkg_config prefix)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${ARGN})
  string(JOIN " " _minissl_arguments ${ARGN})
  set_property(GLOBAL APPEND_STRING PROPERTY MINISSL_DEPENDENCIES
    "find_dependency(PkgConfig)\npkg_check_modules(${prefix} REQUIRED IMPORTED_TARGET GLOBAL ${_minissl_arguments})\n")
endmacro()

# minissl_optional_pkg_config(PREFIX MODULE WITHOUT): the same for a library that may be absent. PREFIX_FOUND says whether
# it is there; if it isn't, CMake prints WITHOUT, which says what the program can't do then.
macro(minissl_optional_pkg_config prefix module without)
  find_package(PkgConfig REQUIRED)
  pkg_check_modules(${prefix} QUIET ${module})
  if(${prefix}_FOUND)
    minissl_pkg_config(${prefix} ${module})
  else()
    message(STATUS "${without}")
  endif()
endmacro()

# minissl_build_quickly(TARGET): for code whose run time doesn't matter. Template code from CLI11 and GoogleTest compiles
# in two thirds of the time.
function(minissl_build_quickly target)
  target_compile_options(${target} PRIVATE $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-O1>)
endfunction()

# minissl_library(NAME SOURCES ... DEPENDS ... [PRIVATE ...]): adds the layer NAME as minissl_NAME, alias minissl::NAME.
# DEPENDS are public; PRIVATE dependencies don't appear in the headers. Installs the library with its folder's headers.
function(minissl_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;PRIVATE" ${ARGN})
  add_library(minissl_${name} STATIC ${ARG_SOURCES})
  add_library(minissl::${name} ALIAS minissl_${name})
  set_target_properties(minissl_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(minissl_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/minissl>)
  target_compile_features(minissl_${name} PUBLIC cxx_std_20)
  target_link_libraries(minissl_${name} PUBLIC ${ARG_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:minissl_settings> ${ARG_PRIVATE})
  set_property(GLOBAL APPEND PROPERTY MINISSL_LAYERS ${name})
  install(TARGETS minissl_${name} EXPORT minisslTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  cmake_path(RELATIVE_PATH CMAKE_CURRENT_SOURCE_DIR BASE_DIRECTORY ${PROJECT_SOURCE_DIR} OUTPUT_VARIABLE folder)
  install(DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/minissl/${folder}
    FILES_MATCHING PATTERN "*.h")
endfunction()
