# deps::zstd, the static library of the system's package.
add_dependency(zstd PACKAGE libzstd-dev MINIMUM 1.4
  HEADER zstd.h LIBRARY libzstd.a VERSION_FILES zstd.h
  VERSION_PATTERN "ZSTD_VERSION_MAJOR +([0-9]+).*ZSTD_VERSION_MINOR +([0-9]+).*ZSTD_VERSION_RELEASE +([0-9]+)")
