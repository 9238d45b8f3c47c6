#pragma once

// What the command line says, and the configuration it leads to.

#include <string>

#include "base/result.h"
#include "config/config.h"

namespace process {

// Value. What is not empty wins over the file.
struct Options {
  std::string config_file;
  std::string listen;
  std::string upstream;
  std::string log_level;
  bool check = false;
  bool print_config = false;
};

// Reads the file, if there is one, anew. The error is a sentence for the operator.
[[nodiscard]] base::Result<config::Config, std::string> load(const Options& options);

}  // namespace process
