#include "bench/base/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <string_view>
#include <utility>

#include "base/nearest_word.h"
#include "bench/base/arguments.h"

namespace bench {
namespace {

// The name in "--name=value" or "-nvalue", which must not be repeated with its value.
std::string_view option_name(std::string_view word) {
  return word.starts_with("--") ? word.substr(0, word.find('=')) : word.substr(0, 2);
}

std::string unknown_option(const CLI::App& app, std::string_view word) {
  const std::string_view name = option_name(word);
  std::vector<std::string> known;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& each : option->get_lnames())
      known.push_back("--" + each);
  }
  const std::string_view nearest =
      base::nearest_word(name, std::vector<std::string_view>(known.begin(), known.end()));
  if (nearest.empty()) return fmt::format("there is no option {}", name);
  return fmt::format("there is no option {}; did you mean {}?", name, nearest);
}

// Of the words that are neither options nor expected; those behind an unknown option may be its
// value, so that it is named first.
std::optional<std::string> problem_of_extras(const CLI::App& app) {
  const std::vector<std::string> extras = app.remaining();
  const auto option = std::find_if(extras.begin(), extras.end(), [](const std::string& word) {
    return word.size() > 1 && word.front() == '-' && word != "--";
  });
  if (option != extras.end()) return unknown_option(app, *option);
  if (extras.empty()) return {};
  return fmt::format("{} more than the command takes: name each option before its value",
                     extras.size() == 1 ? "there is a word" : "there are words");
}

void add_amount(CLI::App& app,
                const std::string& name,
                const std::string& help,
                const std::string& group,
                const std::string& type,
                std::function<void(const std::string&)> read) {
  app.add_option_function<std::string>(name, std::move(read), help)->type_name(type)->group(group);
}

}  // namespace

std::optional<Ending> parse(CLI::App& app, std::vector<std::string> words) {
  app.set_version_flag("-V,--version", "openai-proxy-bench " OPENAI_PROXY_VERSION);
  app.allow_extras();
  std::reverse(words.begin(), words.end());  // as CLI11 wants them
  std::string problem;
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    return Ending{0, app.help()};
  } catch (const CLI::CallForVersion& version) {
    return Ending{0, version.what()};
  } catch (const CLI::ParseError& error) {
    problem = error.what();
  }
  // What an unknown option leaves behind is taken for something else: the option is the cause.
  if (auto extra = problem_of_extras(app)) problem = *std::move(extra);
  if (problem.empty()) return {};
  return Ending{exit_usage, fmt::format("{}\nSee {} --help", problem, app.get_name())};
}

void add_duration(CLI::App& app,
                  const std::string& name,
                  const std::string& help,
                  const std::string& group,
                  SetAmount set) {
  add_amount(app, name, help, group, "TIME", [name, set = std::move(set)](const std::string& text) {
    const auto ns = parse_duration_ns(text);
    if (!ns) throw CLI::ValidationError(name, "write 250us, 500ms, 10s, 5m or 1h");
    set(*ns);
  });
}

void add_size(CLI::App& app,
              const std::string& name,
              const std::string& help,
              const std::string& group,
              SetAmount set) {
  add_amount(app, name, help, group, "SIZE", [name, set = std::move(set)](const std::string& text) {
    const auto bytes = parse_bytes(text);
    if (!bytes) throw CLI::ValidationError(name, "write 4096, 64KiB, 10MiB or 1GiB");
    set(*bytes);
  });
}

}  // namespace bench
