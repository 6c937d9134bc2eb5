# The settings that every target shares, and the one way to add a layer of the engine.

add_library(minissl_settings INTERFACE)
target_compile_features(minissl_settings INTERFACE cxx_std_20)
target_compile_options(minissl_settings INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wnon-virtual-dtor -Woverloaded-virtual
    -fno-math-errno>
  # GCC 12 warns about its own AVX-512 intrinsics (its bug 105593).
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${MINISSL_WERROR}>>:-Werror>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${MINISSL_NATIVE}>>:-march=native>)

# minissl_library(NAME SOURCES ... DEPENDS ...): the layer NAME as minissl_NAME, alias minissl::NAME.
# DEPENDS are public, PRIVATE ones don't show in the headers.
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
endfunction()
