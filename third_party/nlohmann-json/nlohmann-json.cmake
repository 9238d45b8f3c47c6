# deps::nlohmann-json, headers only; the load tool alone uses it.
add_dependency(nlohmann-json PACKAGE nlohmann-json3-dev MINIMUM 3.9
  HEADER nlohmann/json.hpp VERSION_FILES nlohmann/detail/abi_macros.hpp nlohmann/json.hpp
  VERSION_PATTERN "define NLOHMANN_JSON_VERSION_MAJOR +([0-9]+).*define NLOHMANN_JSON_VERSION_MINOR +([0-9]+).*define NLOHMANN_JSON_VERSION_PATCH +([0-9]+)")
