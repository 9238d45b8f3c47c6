#pragma once

// What the program does besides serving: it makes tokens and shows what was used. Each returns the
// exit status, having said what went wrong.

#include "config/config.h"
#include "process/options.h"

namespace process {

// `openai-proxy token new NAME`: prints a token, once, and the lines that let it in.
[[nodiscard]] int make_token(const std::string& name);

// `openai-proxy usage`: what the ledger of `config` has, by what and since when `options` say.
[[nodiscard]] int print_usage(const config::Config& config, const UsageOptions& options);

// `openai-proxy clients`: each client with its limits, and what is used of those that last.
[[nodiscard]] int print_clients(const config::Config& config);

}  // namespace process
