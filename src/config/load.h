#pragma once

// From YAML text to a checked Config, and back. The only place that knows yaml-cpp.

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "base/url.h"
#include "config/config.h"

namespace config {

// Why a configuration was refused, for a person to act on.
struct ConfigError {
  std::string file;
  int line = 0;                          // from 1; 0: no place in the file
  int column = 0;                        // from 1
  std::string path;                      // "upstreams.openai.pool.idle_max"
  std::string why;                       // what was found, what was expected, the nearest known key
  std::vector<ConfigError> others = {};  // that the same file holds, behind this one

  // "file:line:column: path: why", a line each.
  [[nodiscard]] std::string text() const;
};

// The configuration with no file: every default, the `openai` upstream, the `/` route.
[[nodiscard]] Config default_config();

// Reads and checks a whole file. `${ENV}` and `${ENV:-default}` are expanded in every value, `$${`
// is a literal `${`. Keys left out have their defaults, an empty file is the default configuration.
// Reads the environment: not while another thread changes it.
[[nodiscard]] base::Result<Config, ConfigError> load_file(const std::string& path);

// The same for text; `name` stands in errors where the file's name would.
[[nodiscard]] base::Result<Config, ConfigError> load_text(std::string_view text,
                                                          std::string_view name);

// The three values the command line can give as well. The error says what was expected.
// "0.0.0.0:8080", "[::1]:8080", "unix:/path", or ":8080" for every IPv4 address.
[[nodiscard]] base::Result<Listen, std::string> parse_listen(std::string_view text);
// "https://api.openai.com", "http://127.0.0.1:11434/base", "unix:/run/llama.sock".
[[nodiscard]] base::Result<base::Url, std::string> parse_upstream(std::string_view text);
// "debug", "info", "warning" or "error".
[[nodiscard]] base::Result<base::LogLevel, std::string> parse_log_level(std::string_view text);

// The secret that is the one line of a file, as `${file:…}` gives it: read again when it changes.
// The error says what is wrong with the file, never what is in it.
[[nodiscard]] base::Result<Secret, std::string> secret_of_file(const std::string& file);

// The files that secrets of `config` come from.
[[nodiscard]] std::vector<std::string> secret_files(const Config& config);
// `config` with those files read again. The error names the file.
[[nodiscard]] base::Result<Config, std::string> with_secrets_read_again(const Config& config);

// The effective configuration as YAML that load_text() accepts and reads back to the same, but for
// secrets that stand in the file itself: those are masked, and the mask is refused.
[[nodiscard]] std::string to_yaml(const Config& config);

}  // namespace config
