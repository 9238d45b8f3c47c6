#pragma once

// The command line of a load run.

#include <string>
#include <variant>
#include <vector>

#include "bench/load/plan.h"

namespace bench::load {

// Value.
struct RunOptions {
  Plan plan;
  std::string json_file;  // empty: none; "-": standard output, instead of the table
  std::string html_file;  // empty: none
  bool quiet = false;     // no progress, no table
};

// Value. The command line asked for no run: what to print, and how to end.
struct Ending {
  int code = 0;      // 0: help was asked for; 2: the command line is wrong
  std::string text;  // without a newline at its end
};

inline constexpr int exit_usage = 2;

// Reads `arguments` (without the program's name; the first may be a scenario), the key from the
// environment, and the file of a replay. Resolves the target's name, for nothing but loopback is
// loaded without being told so.
[[nodiscard]] std::variant<RunOptions, Ending> parse_run(const std::vector<std::string>& arguments);

}  // namespace bench::load
