#include "process/options.h"

#include <utility>

#include "config/load.h"

namespace process {

base::Result<config::Config, std::string> load(const Options& options) {
  config::Config config = config::default_config();
  if (!options.config_file.empty()) {
    auto loaded = config::load_file(options.config_file);
    if (!loaded) return loaded.error().text();
    config = std::move(*loaded);
  }
  if (!options.listen.empty()) {
    const auto listen = config::parse_listen(options.listen);
    if (!listen) return "--listen: " + listen.error();
    // What else the file says of it stays: TLS must not be lost with its address.
    config::Listen& first = config.listen.front();
    first.host = listen->host;
    first.port = listen->port;
    first.unix_path = listen->unix_path;
  }
  if (!options.upstream.empty()) {
    const auto upstream = config::parse_upstream(options.upstream);
    if (!upstream) return "--upstream: " + upstream.error();
    config.upstreams.at("openai").url = *upstream;
  }
  if (!options.log_level.empty()) {
    const auto level = config::parse_log_level(options.log_level);
    if (!level) return "--log-level: " + level.error();
    config.log.level = *level;
  }
  return config;
}

}  // namespace process
