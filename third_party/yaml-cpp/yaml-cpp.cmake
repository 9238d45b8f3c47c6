# deps::yaml-cpp, the static library of the system's package. Its headers name no version.
add_dependency(yaml-cpp PACKAGE libyaml-cpp-dev MINIMUM 0.7
  HEADER yaml-cpp/yaml.h LIBRARY libyaml-cpp.a
  VERSION_FILES ../lib/${CMAKE_LIBRARY_ARCHITECTURE}/pkgconfig/yaml-cpp.pc
                ../lib/pkgconfig/yaml-cpp.pc ../share/pkgconfig/yaml-cpp.pc
  VERSION_PATTERN "Version: *([0-9.]+)")
