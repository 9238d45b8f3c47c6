#pragma once

// The command line, and the configuration it leads to.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"

namespace process {

// The program's exit statuses beside 0.
inline constexpr int exit_failed = 1;  // at run time: an address in use, say
inline constexpr int exit_usage = 2;   // the command line or the configuration is wrong

// What the program is to do.
enum class Command : uint8_t { serve, make_token, print_usage, print_clients };

struct UsageOptions {
  std::string by = "client";
  std::string since = "all";
  bool json = false;
  bool csv = false;
};

// Value: what the command line says; it wins over the file.
struct Options {
  Command command = Command::serve;
  std::string token_for;  // of make_token
  UsageOptions usage;
  std::string api_key_file;
  std::string token_file;
  std::string config_file;
  std::vector<std::string> listen;
  std::string upstream;
  std::string log_level;
  bool check = false;
  bool print_config = false;
};

// Reads the command line. The error is the exit status where that was all: after --help and
// --version, and 2 where it is wrong, which has been said.
[[nodiscard]] base::Result<Options, int> parse_options(int argc, char** argv);

// The file with what the command line says over it. The error, in words, says what is wrong and
// what was expected.
[[nodiscard]] base::Result<config::Config, std::string> load(const Options& options);

}  // namespace process
