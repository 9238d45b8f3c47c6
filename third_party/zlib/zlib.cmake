# deps::zlib, the static library of the system's package.
add_dependency(zlib PACKAGE zlib1g-dev MINIMUM 1.2.11
  HEADER zlib.h LIBRARY libz.a VERSION_FILES zlib.h VERSION_PATTERN "define ZLIB_VERSION \"([0-9.]+)")
