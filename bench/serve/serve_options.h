#pragma once

// The command line of `serve`.

#include <string>
#include <variant>
#include <vector>

#include "bench/base/command_line.h"
#include "bench/serve/serve.h"

namespace bench::serve {

// Reads `words`, which begin behind the word "serve".
[[nodiscard]] std::variant<Options, Ending> parse_serve(const std::vector<std::string>& words);

}  // namespace bench::serve
