# Makes an installed minissl a CMake package: find_package(minissl) and link minissl::nn or any other layer.
# Must be included after the layers, because it records their dependencies.

include(CMakePackageConfigHelpers)

set(minissl_package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/minissl)
get_property(minissl_dependencies GLOBAL PROPERTY MINISSL_DEPENDENCIES)
get_property(minissl_layers GLOBAL PROPERTY MINISSL_LAYERS)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/minisslConfig.cmake.in
  ${PROJECT_BINARY_DIR}/minisslConfig.cmake INSTALL_DESTINATION ${minissl_package_folder})
# Before 1.0 a minor version may change the interface.
write_basic_package_version_file(${PROJECT_BINARY_DIR}/minisslConfigVersion.cmake COMPATIBILITY SameMinorVersion)

install(FILES ${PROJECT_BINARY_DIR}/minisslConfig.cmake ${PROJECT_BINARY_DIR}/minisslConfigVersion.cmake
  DESTINATION ${minissl_package_folder})
install(EXPORT minisslTargets NAMESPACE minissl:: DESTINATION ${minissl_package_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
