# deps::c-ares, the static library of the system's package.
add_dependency(c-ares PACKAGE libc-ares-dev MINIMUM 1.18
  HEADER ares.h LIBRARY libcares.a libcares_static.a VERSION_FILES ares_version.h
  VERSION_PATTERN "ARES_VERSION_MAJOR +([0-9]+).*ARES_VERSION_MINOR +([0-9]+).*ARES_VERSION_PATCH +([0-9]+)")
set_target_properties(deps::c-ares PROPERTIES INTERFACE_LINK_LIBRARIES Threads::Threads
  INTERFACE_COMPILE_DEFINITIONS "CARES_STATICLIB;CARES_NO_DEPRECATED")
