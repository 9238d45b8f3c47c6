#pragma once

// What a start says on stderr: what runs, from which file, where to, what to try first, and what to
// be warned of.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "config/config.h"

namespace process {

struct GreetingLine {
  base::LogLevel level = base::LogLevel::info;
  std::string text;

  bool operator==(const GreetingLine&) const = default;
};

// What is known once the server has started.
struct Started {
  std::string_view config_file;           // empty: none
  std::vector<config::Listen> listening;  // with the ports the system chose
  std::optional<config::Listen> admin;
  std::string_view unused_proxy;  // the name of a set HTTPS_PROXY or the like; empty: none
};

// The lines after those that say what is listened on.
[[nodiscard]] std::vector<GreetingLine> greeting(const config::Config& config,
                                                 const Started& started);

// The name of the first variable of the environment that names a proxy for outgoing requests; none
// is used. Empty: none is set. Not while another thread changes the environment.
[[nodiscard]] std::string_view outgoing_proxy_variable();

}  // namespace process
