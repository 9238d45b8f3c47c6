# deps::fmt, headers only: Debian ships no static library of it.
add_dependency(fmt PACKAGE libfmt-dev MINIMUM 9
  HEADER fmt/format.h VERSION_FILES fmt/base.h fmt/core.h
  VERSION_PATTERN "FMT_VERSION +([0-9]+)[0-9][0-9][0-9][0-9]")
set_target_properties(deps::fmt PROPERTIES INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY)
