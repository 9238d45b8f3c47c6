#pragma once

// A command line that may be shown and kept: without what may be secret in it.

#include <string>
#include <string_view>
#include <vector>

namespace bench::load {

// `words` behind "openai-proxy-bench", quoted for a shell where they need it. In the place of the
// values of header fields, of prompts, of a URL's or path's query and user, of what looks like an
// API key ("sk-…"), and of `key` wherever it stands (empty: none) there is "***".
[[nodiscard]] std::string masked_command_line(const std::vector<std::string>& words,
                                              std::string_view key);

}  // namespace bench::load
