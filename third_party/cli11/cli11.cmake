# deps::cli11, headers only.
add_dependency(cli11 PACKAGE libcli11-dev MINIMUM 2.1
  HEADER CLI/CLI.hpp VERSION_FILES CLI/Version.hpp
  VERSION_PATTERN "CLI11_VERSION_MAJOR +([0-9]+).*CLI11_VERSION_MINOR +([0-9]+).*CLI11_VERSION_PATCH +([0-9]+)")
