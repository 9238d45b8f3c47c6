#pragma once

// The command lines of a load run and of a single question.

#include <string>
#include <variant>
#include <vector>

#include "bench/base/command_line.h"
#include "bench/load/plan.h"

namespace bench::load {

// Value.
struct RunOptions {
  Plan plan;
  std::string json_file;  // empty: none; "-": standard output, instead of the table
  std::string html_file;  // empty: none
  bool quiet = false;     // no progress, no table
};

// Reads `arguments` (without the program's name; the first may be a scenario), the key from the
// environment, and the file of a replay. Resolves the target's name, for nothing but loopback is
// loaded without being told so.
[[nodiscard]] std::variant<RunOptions, Ending> parse_run(const std::vector<std::string>& arguments);

// The same for `ask`: of the options those that make sense for one stream; `arguments` begin behind
// the word.
[[nodiscard]] std::variant<RunOptions, Ending> parse_ask(const std::vector<std::string>& arguments);

}  // namespace bench::load
