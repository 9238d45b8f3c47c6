// The way in and out: files, the checks that need more than one key, errors as text.
#include "config/load.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <set>
#include <utility>

#include "base/ascii.h"
#include "base/check.h"
#include "base/file_mode.h"
#include "base/nearest_word.h"
#include "base/read_file.h"
#include "config/expand.h"
#include "config/keys.h"
#include "config/yaml_reader.h"
#include "config/yaml_tree.h"
#include "config/yaml_writer.h"

namespace config {
namespace {

constexpr std::string_view default_upstream = "openai";
// Beyond what parse_yaml() takes, so that it can say how much that is.
constexpr size_t file_bytes_max = 2 * yaml_bytes_max;

// What to do about a configuration file that cannot be read.
std::string why_unreadable(const std::string& path, int error) {
  const std::string_view advice =
      path.empty()      ? "; give the name of a file, or leave --config out for the defaults"
      : error == ENOENT ? "; check the name, or leave --config out for the defaults"
      : error == EISDIR ? "; give the name of a file in it"
      : error == EACCES ? "; let the user that runs the proxy read it"
                        : "";
  return fmt::format("cannot be read: {}{}", std::strerror(error), advice);
}

// What stands beside the keys of one upstream.
void check_keys(YamlReader& reader, const std::string& path, std::vector<UpstreamKey>& keys) {
  std::set<std::string> names;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string at = fmt::format("{}.keys[{}]", path, i);
    if (keys[i].key.empty())
      reader.refuse(at + ".key", "is missing: expected " + SecretText::expected());
    if (keys[i].name.empty()) keys[i].name = fmt::format("{}", i + 1);
    if (!names.insert(keys[i].name).second) {
      reader.refuse(at + ".name",
                    fmt::format("another key is called \"{}\" already", keys[i].name));
    }
  }
}

void check_upstreams(YamlReader& reader, Config& config) {
  for (auto& [name, upstream] : config.upstreams) {
    const std::string path = "upstreams." + name;
    check_keys(reader, path, upstream.keys);
    if (upstream.url.origin.host.empty()) {
      reader.refuse(path + ".url", "is missing: expected " + UpstreamUrl::expected());
    }
    if (upstream.pool.warm > upstream.pool.idle_max) {
      reader.refuse(path + ".pool.warm",
                    fmt::format("expected at most idle_max ({}), found {}",
                                upstream.pool.idle_max,
                                upstream.pool.warm));
    }
  }
}

// More than any one client needs, and few enough to be held in place by a request.
constexpr size_t window_limits_max = 6;

void check_limits(YamlReader& reader, const std::string& path, const Client& client) {
  if (client.limits.size() > window_limits_max) {
    reader.refuse(path + ".limits", fmt::format("holds more than {} limits", window_limits_max));
  }
  for (size_t i = 0; i < client.limits.size(); ++i) {
    const WindowLimit& limit = client.limits[i];
    const auto is_same_kind = [&](const WindowLimit& other) {
      return (other.requests > 0) == (limit.requests > 0) &&
             (other.tokens > 0) == (limit.tokens > 0) && other.per == limit.per;
    };
    const auto here = client.limits.begin() + static_cast<std::ptrdiff_t>(i);
    if (std::any_of(client.limits.begin(), here, is_same_kind)) {
      reader.refuse(fmt::format("{}.limits[{}].per", path, i),
                    "another limit counts the same in the same time");
    }
    if ((limit.requests > 0) + (limit.tokens > 0) + (limit.budget > 0) == 1) continue;
    reader.refuse(
        fmt::format("{}.limits[{}]", path, i),
        "expected one of requests, tokens and budget, such as {requests: 1000, per: day}");
  }
}

void check_clients(YamlReader& reader, const Config& config) {
  check_limits(reader, "client_defaults", config.client_defaults);
  if (!config.client_defaults.token.empty() || !config.client_defaults.token_sha256.empty()) {
    reader.refuse("client_defaults.token", "each client has a token of its own, under `clients`");
  }
  std::map<std::string, std::string> tokens;
  for (const auto& [name, client] : config.clients) {
    const std::string path = "clients." + name;
    check_limits(reader, path, client);
    const std::string token(client.token.reveal());
    if (token.empty() == client.token_sha256.empty()) {
      reader.refuse(path + ".token",
                    token.empty() ? "is missing: `openai-proxy token new " + name +
                                        "` makes one, and prints the line with its digest"
                                  : "token or token_sha256, not both");
    }
    const std::string& digest = client.token_sha256;
    const auto [other, is_new] = tokens.emplace(token.empty() ? digest : token, name);
    if (!is_new) {
      reader.refuse(path + ".token", fmt::format("is that of {}, too", other->second));
    }
  }
}

// Keys that anybody may use are an invitation.
void check_open_keys(YamlReader& reader, const Config& config) {
  if (!config.clients.empty() || config.allow_anonymous) return;
  for (const auto& [name, upstream] : config.upstreams) {
    if (upstream.keys.empty()) continue;
    reader.refuse("upstreams." + name + ".keys",
                  "whoever reaches this proxy could use them: name `clients` with tokens, or say "
                  "`allow_anonymous: true`");
  }
}

void check_routes(YamlReader& reader, Config& config) {
  std::vector<std::string_view> names;
  for (const auto& [name, upstream] : config.upstreams)
    names.push_back(name);
  // A request that is right but for its case is told so, which takes one route it could be meant
  // for.
  std::map<std::string, std::string> paths;
  for (size_t i = 0; i < config.routes.size(); ++i) {
    Route& route = config.routes[i];
    const std::string path = fmt::format("routes[{}]", i);
    if (route.upstream.empty()) route.upstream = default_upstream;
    if (!config.upstreams.contains(route.upstream)) {
      const auto nearest = base::nearest_word(route.upstream, names);
      reader.refuse(path + ".upstream",
                    fmt::format("no upstream is called \"{}\"{}",
                                route.upstream,
                                nearest.empty() ? "; `upstreams` must name it"
                                                : fmt::format("; did you mean \"{}\"?", nearest)));
    }
    if (reader.has_refused(path + ".path")) continue;
    const auto [other, is_new] = paths.emplace(base::in_lower_case(route.path), route.path);
    if (!is_new) {
      reader.refuse(path + ".path",
                    fmt::format("another route has the path \"{}\" already{}",
                                other->second,
                                other->second == route.path ? "" : ", but for its case"));
    }
  }
}

void check_listeners(YamlReader& reader, const Config& config) {
  std::set<std::string> addresses;
  const auto insert = [&](const Listen& listen, const std::string& path) {
    const bool chosen_by_system = listen.unix_path.empty() && listen.port == 0;
    if (!chosen_by_system && !addresses.insert(listen.text()).second) {
      reader.refuse(path, fmt::format("{} is listened on already", listen.text()));
    }
  };
  for (size_t i = 0; i < config.listen.size(); ++i) {
    insert(config.listen[i], fmt::format("listen[{}]", i));
  }
  if (config.admin.listen) insert(*config.admin.listen, "admin.listen");
}

void check_listener_tls(YamlReader& reader, const ListenTls& tls, const std::string& path) {
  const auto check = [&](const std::string& certificate,
                         const std::string& key,
                         const std::string& at) {
    if (certificate.empty()) {
      reader.refuse(at + ".certificate",
                    "is missing: expected the name of a PEM file with the certificate and its "
                    "issuers (certbot: fullchain.pem)");
    }
    if (key.empty()) {
      reader.refuse(at + ".key",
                    "is missing: expected the name of a PEM file with the certificate's private "
                    "key (certbot: privkey.pem)");
    }
  };
  check(tls.certificate, tls.key, path);
  for (size_t i = 0; i < tls.certificates.size(); ++i) {
    const CertificateFiles& files = tls.certificates[i];
    check(files.certificate, files.key, fmt::format("{}.certificates[{}]", path, i));
  }
}

// What speaks TLS, and what sends people there.
void check_listeners_tls(YamlReader& reader, const Config& config) {
  for (size_t i = 0; i < config.listen.size(); ++i) {
    const Listen& listen = config.listen[i];
    const std::string path = fmt::format("listen[{}]", i);
    if (listen.tls) check_listener_tls(reader, *listen.tls, path + ".tls");
    if (listen.redirect_to_https && listen.tls) {
      reader.refuse(path + ".redirect_to_https", "this address speaks https already (tls)");
    }
    if (!listen.acme_webroot.empty() && !listen.redirect_to_https) {
      reader.refuse(path + ".acme_webroot", "only with redirect_to_https: true");
    }
  }
}

}  // namespace

std::string Listen::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  const bool ipv6 = host.find(':') != std::string::npos;
  return ipv6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string ConfigError::text() const {
  std::string text = file;
  if (line > 0) text += fmt::format(":{}:{}", line, column);
  if (!path.empty()) text += ": " + path;
  text += ": " + why;
  for (const ConfigError& other : others)
    text += "\n" + other.text();
  return text;
}

Config default_config() {
  Config config;
  const auto url = base::parse_url("https://api.openai.com");
  CHECK(url);
  config.upstreams[std::string(default_upstream)].url = *url;
  config.routes = {Route{.upstream = std::string(default_upstream)}};
  return config;
}

base::Result<Config, ConfigError> load_file(const std::string& path) {
  const auto text = base::read_file(path, file_bytes_max);
  if (!text) {
    return ConfigError{
        .file = path, .path = {}, .why = why_unreadable(path, text.error()), .others = {}};
  }
  base::warn_if_anybody_may_write(path, "send every client's API key elsewhere");
  return load_text(*text, path);
}

base::Result<Config, ConfigError> load_text(std::string_view text, std::string_view name) {
  const auto refused = [&](const Refusal& refusal) {
    return ConfigError{.file = std::string(name),
                       .line = refusal.place.line,
                       .column = refusal.place.column,
                       .path = refusal.path,
                       .why = refusal.why,
                       .others = {}};
  };
  const auto root = parse_yaml(text);
  if (!root) return refused(root.error());
  Config config = default_config();
  YamlReader reader;
  reader.read(*root, config);
  check_upstreams(reader, config);
  check_routes(reader, config);
  check_clients(reader, config);
  check_open_keys(reader, config);
  check_listeners(reader, config);
  check_listeners_tls(reader, config);
  const std::vector<Refusal> refusals = reader.take_refusals();
  if (refusals.empty()) return config;
  ConfigError error = refused(refusals.front());
  for (size_t i = 1; i < refusals.size(); ++i)
    error.others.push_back(refused(refusals[i]));
  return error;
}

base::Result<Listen, std::string> parse_listen(std::string_view text) {
  auto listen = ListenText::parse(text);
  if (listen) return *std::move(listen);
  return fmt::format("expected {}, found \"{}\"", ListenText::expected(), text);
}

base::Result<base::Url, std::string> parse_upstream(std::string_view text) {
  auto url = UpstreamUrl::parse(text);
  if (url) return *std::move(url);
  const std::string_view hint = UpstreamUrl::hint(text);
  return fmt::format("expected {}, found {}{}{}",
                     UpstreamUrl::expected(),
                     UpstreamUrl::shown(text),
                     hint.empty() ? "" : ": ",
                     hint);
}

base::Result<base::LogLevel, std::string> parse_log_level(std::string_view text) {
  const auto level = LogLevelWord::parse(text);
  if (level) return *level;
  return fmt::format("expected {}, found \"{}\"", LogLevelWord::expected(), text);
}

base::Result<Secret, std::string> secret_of_file(const std::string& file) {
  std::error_code failure;
  const std::string path = std::filesystem::absolute(file, failure).string();
  const std::string reference = "${file:" + path + "}";
  const auto text = expand(reference);
  if (!text) return text.error().why;
  auto secret = SecretText::parse(*text, reference);
  if (!secret) return fmt::format("{} holds no key: expected {}", file, SecretText::expected());
  return *std::move(secret);
}

namespace {

constexpr std::string_view file_reference = "${file:";

// Calls visit(secret) for each that comes from a file.
template <class AnyConfig, class Visit>
void for_each_file_secret(AnyConfig& config, Visit visit) {
  const auto visit_if_file = [&](auto& secret) {
    if (secret.source().starts_with(file_reference)) visit(secret);
  };
  for (auto& [name, upstream] : config.upstreams) {
    for (auto& key : upstream.keys)
      visit_if_file(key.key);
  }
  for (auto& [name, client] : config.clients)
    visit_if_file(client.token);
}

std::string file_of(const Secret& secret) {
  const std::string& source = secret.source();
  return source.substr(file_reference.size(), source.size() - file_reference.size() - 1);
}

}  // namespace

std::vector<std::string> secret_files(const Config& config) {
  std::vector<std::string> files;
  for_each_file_secret(config, [&](const Secret& secret) { files.push_back(file_of(secret)); });
  return files;
}

base::Result<Config, std::string> with_secrets_read_again(const Config& config) {
  Config again = config;
  std::string failed;
  for_each_file_secret(again, [&](Secret& secret) {
    auto read = secret_of_file(file_of(secret));
    if (read) {
      secret = *std::move(read);
    } else if (failed.empty()) {
      failed = read.error();
    }
  });
  if (!failed.empty()) return failed;
  return again;
}

std::string to_yaml(const Config& config) {
  Config copy = config;  // one describe() serves reading and writing
  YamlWriter writer;
  describe(writer, copy);
  return writer.take_text();
}

}  // namespace config
