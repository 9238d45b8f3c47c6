# deps::libuv, the static library of the system's package.
add_dependency(libuv PACKAGE libuv1-dev MINIMUM 1.44
  HEADER uv.h LIBRARY libuv_a.a libuv.a VERSION_FILES uv/version.h
  VERSION_PATTERN "UV_VERSION_MAJOR +([0-9]+).*UV_VERSION_MINOR +([0-9]+).*UV_VERSION_PATCH +([0-9]+)")
set_target_properties(deps::libuv PROPERTIES
  INTERFACE_LINK_LIBRARIES "Threads::Threads;${CMAKE_DL_LIBS}")
