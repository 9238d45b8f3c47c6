#pragma once

// What every subcommand's command line has: help, version, a hint for a word nobody knows, and
// options whose values are written with units.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace bench {

// How the program ends: 0 when all went well.
inline constexpr int exit_failed = 1;  // what was asked for failed
inline constexpr int exit_usage = 2;   // the command line is wrong

// Value. What to print instead of going on, and how to end.
struct Ending {
  int code = 0;      // 0: help or the version was asked for
  std::string text;  // without a newline at its end
};

// Parses `words`, which are in the order they were written in; adds -h and -V. Gives what is to be
// done instead of going on, if anything. No text of it repeats a value, which may be a secret and
// stand behind a misspelt option.
[[nodiscard]] std::optional<Ending> parse(CLI::App& app, std::vector<std::string> words);

// Options whose values are written with units, as parse_duration_ns() and parse_bytes() read them.
// `set` is called while parsing, with nanoseconds or bytes. An empty group hides an option.
using SetAmount = std::function<void(uint64_t)>;
void add_duration(CLI::App& app,
                  const std::string& name,
                  const std::string& help,
                  const std::string& group,
                  SetAmount set);
void add_size(CLI::App& app,
              const std::string& name,
              const std::string& help,
              const std::string& group,
              SetAmount set);

}  // namespace bench
