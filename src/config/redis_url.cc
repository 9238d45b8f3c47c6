#include "config/redis_url.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/ascii.h"
#include "base/url.h"
#include "config/expand.h"
#include "config/scalars.h"

namespace config {
namespace {

constexpr std::string_view none_word = "none";
constexpr std::string_view redis_prefix = "redis://";
constexpr std::string_view tls_prefix = "rediss://";
constexpr std::string_view unix_prefix = "unix:";
constexpr uint16_t redis_port = 6379;
constexpr uint32_t database_max = 1'000'000;

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = base::hex_value(text[i + 1]);
    const int low = base::hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded += static_cast<char>(16 * high + low);
    i += 2;
  }
  return decoded;
}

bool read_login(std::string_view login, RedisUrl& url) {
  const size_t colon = login.find(':');
  if (colon == std::string_view::npos) return false;
  auto user = percent_decoded(login.substr(0, colon));
  auto password = percent_decoded(login.substr(colon + 1));
  if (!user || !password || password->empty() || *password == secret_mask) return false;
  url.user = *std::move(user);
  url.password = Secret(*password);
  explicit_bzero(password->data(), password->size());
  return true;
}

// "HOST[:PORT]".
bool read_host(std::string_view authority, RedisUrl& url) {
  auto parsed = base::parse_url("http://" + std::string(authority));
  if (!parsed || parsed->target != "/") return false;
  // http's own port is none that anybody means here, unless it is said.
  const bool says_port = authority.ends_with(":80");
  url.host = std::move(parsed->origin.host);
  url.port = parsed->origin.port == 80 && !says_port ? redis_port : parsed->origin.port;
  return true;
}

std::optional<RedisUrl> parse_tcp(std::string_view text) {
  RedisUrl url;
  text.remove_prefix(redis_prefix.size());
  const size_t at = text.rfind('@');
  if (at != std::string_view::npos) {
    if (!read_login(text.substr(0, at), url)) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  const size_t slash = std::min(text.find('/'), text.size());
  const std::string_view database = text.substr(std::min(slash + 1, text.size()));
  if (!database.empty()) {
    const auto number = Count{.max = database_max}.parse(database);
    if (!number) return std::nullopt;
    url.database = *number;
  }
  if (!read_host(text.substr(0, slash), url)) return std::nullopt;
  return url;
}

std::string authority_of(const RedisUrl& url) {
  const bool is_ipv6 = url.host.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", is_ipv6 ? "[" : "", url.host, is_ipv6 ? "]" : "", url.port);
}

}  // namespace

std::string RedisUrl::place() const {
  return unix_path.empty() ? authority_of(*this) : "unix:" + unix_path;
}

std::optional<RedisUrl> RedisUrlText::parse(std::string_view text, std::string_view written) {
  if (text == none_word) return RedisUrl{};
  std::optional<RedisUrl> url;
  if (text.starts_with(unix_prefix)) {
    const auto socket = UpstreamUrl::parse(text);
    if (socket) url = RedisUrl{.unix_path = socket->origin.unix_path};
  } else if (text.starts_with(redis_prefix)) {
    url = parse_tcp(text);
  }
  if (url && is_reference(written)) url->source = std::string(written);
  return url;
}

std::string RedisUrlText::print(const RedisUrl& value) {
  if (value.is_none()) return std::string(none_word);
  if (!value.source.empty()) return value.source;
  if (!value.unix_path.empty()) return escape_expansion(value.place());
  const std::string login =
      value.password.empty() ? std::string() : fmt::format("{}:{}@", value.user, secret_mask);
  return escape_expansion(
      fmt::format("{}{}{}/{}", redis_prefix, login, authority_of(value), value.database));
}

std::string RedisUrlText::expected() {
  return "redis://HOST:6379/0, redis://:PASSWORD@HOST:6379/0, unix:/path/of/a.sock or none";
}

std::string RedisUrlText::shown(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return "a URL with a password in it (not shown)";
  return fmt::format("\"{}\"", text);
}

std::string_view RedisUrlText::hint(std::string_view text) {
  if (text.starts_with(tls_prefix)) {
    return "TLS to Redis is not supported: let a tunnel on this machine, such as stunnel, speak it";
  }
  if (text.find(secret_mask) != std::string_view::npos) {
    return "put the password in place of the mask that --print-config writes for it";
  }
  if (text.starts_with(redis_prefix) && text.find('@') != std::string_view::npos) {
    return "what is no letter or digit in a password is written percent-encoded, @ as %40; a "
           "password alone stands behind a colon, redis://:PASSWORD@HOST";
  }
  if (text.starts_with("/")) return "a socket is written unix:/path/of/a.sock";
  return {};
}

}  // namespace config
