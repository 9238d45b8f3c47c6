#include "process/greeting.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

#include "policy/base_path.h"

namespace process {
namespace {

bool is_loopback(const config::Listen& listen) {
  return !listen.unix_path.empty() || listen.host.starts_with("127.") || listen.host == "::1";
}

// The address as a program on this machine would write it.
std::string local_origin(const config::Listen& listen) {
  config::Listen reachable = listen;
  if (listen.host == "0.0.0.0") reachable.host = "127.0.0.1";
  if (listen.host == "::") reachable.host = "::1";
  return fmt::format("{}://{}", listen.tls ? "https" : "http", reachable.text());
}

std::string url_text(const base::Url& url) {
  return url.origin.text() + (url.target == "/" ? "" : url.target);
}

std::string forwarding(const config::Config& config) {
  std::string text;
  for (const config::Route& route : config.routes) {
    const auto& url = config.upstreams.at(route.upstream).url;
    text += fmt::format("{}{} to {}", text.empty() ? "" : ", ", route.path, url_text(url));
  }
  return "forwarding " + text;
}

// What of the SDK's base URL stands behind our address: the version, unless the upstream's URL has
// one of another kind.
std::string_view sdk_path(const config::Config& config) {
  for (const config::Route& route : config.routes) {
    if (route.path != "/") continue;
    std::string_view base = config.upstreams.at(route.upstream).url.target;
    while (base.ends_with('/'))
      base.remove_suffix(1);
    return policy::has_version(base) && !base.ends_with("/v1") ? "" : "/v1";
  }
  return "/v1";
}

std::optional<std::string> next_step(const config::Config& config, const Started& started) {
  for (size_t i = 0; i < started.listening.size(); ++i) {
    config::Listen listen = started.listening[i];
    if (i < config.listen.size()) {
      if (config.listen[i].redirect_to_https) continue;
      listen.tls = config.listen[i].tls;
    }
    const std::string_view path = sdk_path(config);
    if (!listen.unix_path.empty()) {
      return fmt::format(
          "to try it: curl --unix-socket {} http://localhost{}/models -H "
          "\"Authorization: Bearer $OPENAI_API_KEY\"",
          listen.unix_path,
          path);
    }
    return fmt::format("base URL for your SDK: {}{}", local_origin(listen), path);
  }
  return std::nullopt;
}

bool is_open_and_plain(const config::Listen& listen) {
  const bool behind_front = !listen.proxy_protocol.from.empty();
  return !is_loopback(listen) && !listen.tls && !listen.redirect_to_https && !behind_front;
}

}  // namespace

std::vector<GreetingLine> greeting(const config::Config& config, const Started& started) {
  std::vector<GreetingLine> lines;
  const auto say = [&](std::string text) {
    lines.push_back({base::LogLevel::info, std::move(text)});
  };
  const auto warn = [&](std::string text) {
    lines.push_back({base::LogLevel::warning, std::move(text)});
  };
  say("openai-proxy " OPENAI_PROXY_VERSION ", " +
      (started.config_file.empty() ? "no configuration file: every key has its default"
                                   : fmt::format("configuration {}", started.config_file)));
  say(forwarding(config));
  if (started.admin) {
    const std::string at = started.admin->unix_path.empty() ? "http://" + started.admin->text()
                                                            : started.admin->text();
    say(fmt::format("health and metrics: {} /healthz, /metrics", at));
  }
  for (const config::Listen& listen : config.listen) {
    if (!is_open_and_plain(listen)) continue;
    warn(fmt::format(
        "{} is plain http and not only for this machine: {} can be read on the way{}; listen on "
        "127.0.0.1, or set `tls`",
        listen.text(),
        config.clients.empty() ? "API keys" : "tokens",
        config.clients.empty() ? ", and whoever reaches it may use it" : ""));
  }
  if (!started.unused_proxy.empty()) {
    warn(
        fmt::format("{} is set in the environment but not used: upstreams are connected to "
                    "directly",
                    started.unused_proxy));
  }
  if (auto next = next_step(config, started)) say(*std::move(next));
  return lines;
}

std::string_view outgoing_proxy_variable() {
  for (const char* name : {"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"}) {
    const char* value = std::getenv(name);
    if (value != nullptr && *value != '\0') return name;
  }
  return {};
}

}  // namespace process
