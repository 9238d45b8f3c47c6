# deps::fmt: Debian ships no static library of it, so fmt.cc compiles what the headers leave to one.
# Headers alone (FMT_HEADER_ONLY) would have each file that formats compile all of it, at four
# seconds a file; they are the way where fmt.cc does not know the version.
add_dependency(fmt PACKAGE libfmt-dev MINIMUM 9
  HEADER fmt/format.h VERSION_FILES fmt/base.h fmt/core.h
  VERSION_PATTERN "FMT_VERSION +([0-9]+)[0-9][0-9][0-9][0-9]")
get_target_property(fmt_version deps::fmt DEPENDENCY_VERSION)
if(fmt_version VERSION_LESS 11)
  add_library(fmt_code STATIC "${CMAKE_CURRENT_LIST_DIR}/fmt.cc")
  get_target_property(fmt_include deps::fmt INTERFACE_INCLUDE_DIRECTORIES)
  target_include_directories(fmt_code SYSTEM PRIVATE "${fmt_include}")
  set_target_properties(deps::fmt PROPERTIES INTERFACE_LINK_LIBRARIES fmt_code)
else()
  set_target_properties(deps::fmt PROPERTIES INTERFACE_COMPILE_DEFINITIONS FMT_HEADER_ONLY)
endif()
