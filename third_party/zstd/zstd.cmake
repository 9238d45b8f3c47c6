# deps::zstd, the static library of the system's package.
add_dependency(zstd PACKAGE libzstd-dev MINIMUM 1.4
  HEADER zstd.h LIBRARY libzstd.a VERSION_FILES zstd.h
  VERSION_PATTERN "ZSTD_VERSION_MAJOR +([0-9]+).*ZSTD_VERSION_MINOR +([0-9]+).*ZSTD_VERSION_RELEASE +([0-9]+)")
# Memory of our own giving is asked for by names that only the static library keeps.
set_target_properties(deps::zstd PROPERTIES INTERFACE_COMPILE_DEFINITIONS ZSTD_STATIC_LINKING_ONLY)
