// Text to values and back, one kind after the other in the header's order.
#include "config/scalars.h"

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <fmt/format.h>
#include <sys/un.h>

#include "base/ascii.h"
#include "base/parse_number.h"
#include "config/expand.h"
#include "config/units.h"

namespace config {
namespace {

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
  });
}

// Largest first: print() takes the first that divides.
constexpr std::array<Unit, 4> duration_units{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
// The single letters as nginx has them.
constexpr std::array<Unit, 15> size_units{{{"GiB", uint64_t{1} << 30U},
                                           {"GB", 1'000'000'000},
                                           {"MiB", uint64_t{1} << 20U},
                                           {"MB", 1'000'000},
                                           {"KiB", uint64_t{1} << 10U},
                                           {"KB", 1'000},
                                           {"kB", 1'000},
                                           {"B", 1},
                                           {"G", uint64_t{1} << 30U},
                                           {"g", uint64_t{1} << 30U},
                                           {"M", uint64_t{1} << 20U},
                                           {"m", uint64_t{1} << 20U},
                                           {"K", uint64_t{1} << 10U},
                                           {"k", uint64_t{1} << 10U},
                                           {"", 1}}};

std::optional<uint16_t> parse_port(std::string_view text) {
  const auto value = base::parse_number<uint64_t>(text);
  if (!value || *value > 0xffff) return std::nullopt;
  return static_cast<uint16_t>(*value);
}

// A literal address in its one canonical form, so that equal addresses compare equal.
std::optional<std::string> canonical_address(int family, std::string_view text) {
  const std::string literal(text);
  in6_addr address{};  // room enough for both families
  char canonical[INET6_ADDRSTRLEN];
  if (inet_pton(family, literal.c_str(), &address) != 1) return std::nullopt;
  inet_ntop(family, &address, canonical, sizeof canonical);
  return canonical;
}

constexpr std::string_view unix_prefix = "unix:";
constexpr size_t socket_path_bytes_max = sizeof(sockaddr_un::sun_path) - 1;

bool is_socket_path(std::string_view path) {
  return !path.empty() && path.size() <= socket_path_bytes_max && !has_control(path);
}

// Of an upstream, which has no folder that it could be relative to: a service starts in another one
// than a shell. "unix:///path" as others write it is the same.
std::optional<std::string_view> upstream_socket_path(std::string_view text) {
  if (!text.starts_with(unix_prefix)) return std::nullopt;
  text.remove_prefix(unix_prefix.size());
  if (text.starts_with("///")) text.remove_prefix(2);
  const bool is_absolute = text.starts_with('/') && !text.starts_with("//");
  if (!is_absolute || text.ends_with('/') || !is_socket_path(text)) return std::nullopt;
  return text;
}

// Where somebody means a socket but wrote a URL, as nginx has it: the host "unix", an empty port.
bool is_socket_in_url(std::string_view text) {
  const size_t scheme_end = text.find("://");
  return scheme_end != std::string_view::npos && text.substr(scheme_end + 3).starts_with("unix:/");
}

}  // namespace

std::optional<bool> Flag::parse(std::string_view text) {
  const std::string word = base::in_lower_case(text);
  if (word == "true" || word == "yes" || word == "on") return true;
  if (word == "false" || word == "no" || word == "off") return false;
  return std::nullopt;
}

std::optional<uint32_t> Count::parse(std::string_view text) const {
  if (!zero_word.empty() && text == zero_word) return 0;
  const auto value = base::parse_number<uint64_t>(text);
  if (!value || *value < min || *value > max) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

std::string Count::print(uint32_t value) const {
  if (value == 0 && !zero_word.empty()) return std::string(zero_word);
  return fmt::format("{}", value);
}

std::string Count::expected() const {
  return fmt::format(
      "{}{}a whole number from {} to {}", zero_word, zero_word.empty() ? "" : " or ", min, max);
}

std::optional<uint32_t> Duration::parse(std::string_view text) const {
  if (text == "0") return min_ms == 0 ? std::optional<uint32_t>(0) : std::nullopt;
  const auto value = parse_with_unit(text, duration_units);
  if (!value || *value < min_ms || *value > max_ms) return std::nullopt;
  return static_cast<uint32_t>(*value);
}

std::string Duration::print(uint32_t value_ms) {
  for (const auto& [suffix, factor] : duration_units) {
    if (value_ms > 0 && value_ms % factor == 0) {
      return fmt::format("{}{}", value_ms / factor, suffix);
    }
  }
  return "0";
}

std::string Duration::expected() const {
  return fmt::format(
      "a duration such as 500ms, 55s, 15m or 24h, from {} to {}", print(min_ms), print(max_ms));
}

std::optional<uint64_t> Size::parse(std::string_view text) const {
  if (!zero_word.empty() && text == zero_word) return 0;
  const auto value = parse_with_unit(text, size_units);
  if (!value || *value < min || *value > max) return std::nullopt;
  return value;
}

std::string Size::print(uint64_t value) const {
  if (!zero_word.empty() && value == 0) return std::string(zero_word);
  for (const auto& [suffix, factor] : size_units) {
    if (factor % 1024 == 0 && value > 0 && value % factor == 0) {
      return fmt::format("{}{}", value / factor, suffix);
    }
  }
  return fmt::format("{}", value);
}

std::string Size::expected() const {
  std::string text = "a size such as 4096, 64KiB, 10MB or 1GiB";
  if (min > 0) text += ", at least " + print(min);
  if (max < Size{}.max) text += ", at most " + print(max);
  if (!zero_word.empty()) text += fmt::format(", or {}", zero_word);
  return text;
}

std::optional<Listen> ListenText::parse(std::string_view text) {
  if (text.starts_with(unix_prefix)) {
    const std::string_view path = text.substr(unix_prefix.size());
    if (!is_socket_path(path)) return std::nullopt;
    return Listen{.host = {}, .port = 0, .unix_path = std::string(path)};
  }
  // A port alone is one of every IPv4 address.
  const size_t colon = text.rfind(':');
  const size_t port_at = colon == std::string_view::npos ? 0 : colon + 1;
  const auto port = parse_port(text.substr(port_at));
  const std::string_view host = text.substr(0, port_at == 0 ? 0 : colon);
  if (!port) return std::nullopt;
  if (host.empty()) return Listen{.host = "0.0.0.0", .port = *port, .unix_path = {}};
  if (host == "localhost") return Listen{.host = "127.0.0.1", .port = *port, .unix_path = {}};
  const bool ipv6 = host.starts_with('[') && host.ends_with(']');
  auto address = ipv6 ? canonical_address(AF_INET6, host.substr(1, host.size() - 2))
                      : canonical_address(AF_INET, host);
  if (!address) return std::nullopt;
  return Listen{.host = std::move(*address), .port = *port, .unix_path = {}};
}

std::string ListenText::expected() {
  return "an address such as 0.0.0.0:8080, 127.0.0.1:8080, \"[::]:8080\" or unix:/run/proxy.sock "
         "(no "
         "host names)";
}

std::optional<std::optional<Listen>> ListenOrOff::parse(std::string_view text) {
  if (text == "off") return std::optional<Listen>{};
  auto listen = ListenText::parse(text);
  if (!listen) return std::nullopt;
  return listen;
}

std::string ListenOrOff::print(const std::optional<Listen>& value) {
  return value ? value->text() : "off";
}

std::optional<base::Url> UpstreamUrl::parse(std::string_view text) {
  // A fragment would be dropped silently, and a query has no place behind a base path.
  if (const auto path = upstream_socket_path(text)) return base::unix_url(*path);
  if (text.find_first_of("?#") != std::string_view::npos) return std::nullopt;
  if (is_socket_in_url(text)) return std::nullopt;
  return base::parse_url(text);
}

std::string UpstreamUrl::print(const base::Url& value) {
  return value.origin.text() + (value.target == "/" ? "" : value.target);
}

std::string UpstreamUrl::expected() {
  return "an http or https URL such as https://api.openai.com or http://127.0.0.1:11434/base, "
         "without user, query or fragment, or unix:/path/of/a.sock";
}

std::string UpstreamUrl::shown(std::string_view text) {
  if (text.find('@') != std::string_view::npos) return "a URL with a user in it (not shown)";
  const size_t cut = text.find_first_of("?#");
  if (cut == std::string_view::npos) return fmt::format("\"{}\"", text);
  return fmt::format("\"{}{}…\"", text.substr(0, cut), text[cut]);
}

std::string_view UpstreamUrl::hint(std::string_view text) {
  if (is_socket_in_url(text))
    return "a unix socket is written unix:/path/of/a.sock, without http://";
  if (!text.starts_with(unix_prefix)) return {};
  static_assert(socket_path_bytes_max == 107);
  return "a socket's path begins with one slash, names a file and has at most 107 bytes";
}

std::optional<std::string> Authority::parse(std::string_view text) {
  if (text.find_first_of("/?#@") != std::string_view::npos || text.ends_with(':')) {
    return std::nullopt;
  }
  if (!base::parse_url("https://" + std::string(text))) return std::nullopt;
  return std::string(text);
}

std::optional<std::string> OriginPattern::parse(std::string_view text) {
  if (text == "*" || text == "null") return std::string(text);
  std::string origin = base::in_lower_case(text);
  const size_t separator = origin.find("://");
  if (separator == std::string::npos || separator == 0) return std::nullopt;
  const std::string_view scheme = std::string_view(origin).substr(0, separator);
  std::string_view host = std::string_view(origin).substr(separator + 3);
  // Browser extensions and apps have schemes of their own.
  const bool scheme_ok = std::all_of(scheme.begin(), scheme.end(), [](char c) {
    return base::is_letter_or_digit(c) || c == '+' || c == '-' || c == '.';
  });
  if (!scheme_ok) return std::nullopt;
  const bool wildcard = host.starts_with("*.");
  if (wildcard) host.remove_prefix(2);
  if (host.find_first_of("/?#@*") != std::string_view::npos || host.ends_with(':')) {
    return std::nullopt;
  }
  const bool plain = scheme == "http";
  const auto url = base::parse_url((plain ? "http://" : "https://") + std::string(host));
  if (!url) return std::nullopt;
  const bool web = plain || scheme == "https";
  return fmt::format(
      "{}://{}{}", scheme, wildcard ? "*." : "", web ? url->origin.authority() : std::string(host));
}

std::string OriginPattern::expected() {
  return "\"*\" or an origin without a path, such as https://app.example.com, "
         "https://*.example.com or http://localhost:3000";
}

std::optional<std::string> FieldName::parse(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const bool token = std::all_of(text.begin(), text.end(), [&](char c) {
    return base::is_letter_or_digit(c) || marks.find(c) != std::string_view::npos;
  });
  if (text.empty() || !token) return std::nullopt;
  return base::in_lower_case(text);
}

namespace {

// What may stand in a route's path: what a request's path holds as it is (RFC 3986 3.3).
bool is_route_char(char c) {
  return base::is_letter_or_digit(c) ||
         std::string_view("/-._~!&'+,;=:@$").find(c) != std::string_view::npos;
}

bool has_segment(std::string_view path, std::string_view segment) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const size_t end = std::min(path.find('/'), path.size());
    if (path.substr(0, end) == segment) return true;
    path.remove_prefix(end);
  }
  return false;
}

// Other servers write "all below /local" so, and mean what "/local" means here.
std::string_view without_star(std::string_view path) {
  for (const std::string_view star : {"/**", "/*"}) {
    if (!path.ends_with(star)) continue;
    path.remove_suffix(star.size());
    return path.empty() ? "/" : path;
  }
  return path;
}

// What is wrong with a path that would match nothing, or not what was meant; "" where nothing is.
std::string_view route_path_fault(std::string_view path) {
  if (!path.starts_with('/')) return "it must begin with a slash";
  path = without_star(path);
  if (path.find_first_of("*^()|[]{}<>\\") != std::string_view::npos || path.ends_with('$') ||
      path.find("/:") != std::string_view::npos) {
    return "patterns are not known here: a route covers its path and all below it, so /local is "
           "enough for /local/v1/models";
  }
  if (path.find_first_of("?#") != std::string_view::npos)
    return "a query or fragment never matches";
  if (path.find('%') != std::string_view::npos) {
    return "write the characters themselves, not their percent-encoding";
  }
  if (path.find("//") != std::string_view::npos) return "write one slash where there are two";
  if (has_segment(path, ".") || has_segment(path, "..")) return "write it without dot segments";
  if (!std::all_of(path.begin(), path.end(), is_route_char)) {
    return "letters, digits and -._~!&'+,;=:@$ may stand in it";
  }
  return {};
}

}  // namespace

std::optional<std::string> RoutePath::parse(std::string_view text) {
  if (!route_path_fault(text).empty()) return std::nullopt;
  text = without_star(text);
  if (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  return std::string(text);
}

std::string RoutePath::expected() {
  return "the beginning of a path, such as / or /v1";
}

std::string_view RoutePath::advice(std::string_view text) {
  if (without_star(text) == text) return {};
  return "the * at its end is left out: a route covers its path and all below it";
}

std::string_view RoutePath::hint(std::string_view text) {
  return route_path_fault(text);
}

std::optional<std::string> Name::parse(std::string_view text) {
  constexpr size_t bytes_max = 64;
  const bool ok = std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_letter_or_digit(c) || c == '-' || c == '_';
  });
  if (text.empty() || text.size() > bytes_max || !ok) return std::nullopt;
  return std::string(text);
}

std::string Name::expected() {
  return "a name of letters, digits, '-' and '_', at most 64 of them";
}

std::optional<Secret> SecretText::parse(std::string_view text, std::string_view written) {
  const bool visible = std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte < 0x7f;
  });
  if (text.empty() || text.size() > bytes_max || !visible || text == secret_mask) {
    return std::nullopt;
  }
  return Secret(text, is_reference(written) ? std::string(written) : std::string());
}

std::string SecretText::expected() {
  return "a key of visible characters without blanks, ${NAME} or ${file:/PATH}";
}

std::string SecretText::shown(std::string_view text) {
  if (text == secret_mask) return "the mask that --print-config writes in its place";
  return text.empty() ? "nothing" : "something else, not shown here";
}

std::optional<UpstreamKey> KeyText::parse(std::string_view text, std::string_view written) {
  auto key = SecretText::parse(text, written);
  if (!key) return std::nullopt;
  return UpstreamKey{.key = *std::move(key)};
}

std::optional<std::string> Sha256Text::parse(std::string_view text) {
  const bool hex = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
  });
  if (text.size() != 64 || !hex) return std::nullopt;
  return base::in_lower_case(text);
}

std::string Sha256Text::expected() {
  return "the 64 hex digits of a token's SHA-256, as `openai-proxy token new` prints them";
}

std::optional<KeyPlace> KeyPlaceText::parse(std::string_view text) {
  constexpr std::string_view query = "query:";
  if (text.starts_with(query)) {
    auto name = Name::parse(text.substr(query.size()));
    if (!name) return std::nullopt;
    return KeyPlace{KeyPlace::Kind::query, *std::move(name)};
  }
  auto field = FieldName::parse(text);
  if (!field) return std::nullopt;
  if (*field == "authorization") return KeyPlace{};
  return KeyPlace{KeyPlace::Kind::header, *std::move(field)};
}

std::string KeyPlaceText::print(const KeyPlace& value) {
  switch (value.kind) {
    case KeyPlace::Kind::authorization:
      break;
    case KeyPlace::Kind::header:
      return value.name;
    case KeyPlace::Kind::query:
      return "query:" + value.name;
  }
  return "authorization";
}

std::string KeyPlaceText::expected() {
  return "authorization, the name of a header field such as api-key, or query:NAME";
}

std::optional<Date> DateText::parse(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  const auto year = base::parse_number<uint64_t>(text.substr(0, 4));
  const auto month = base::parse_number<uint64_t>(text.substr(5, 2));
  const auto day = base::parse_number<uint64_t>(text.substr(8, 2));
  if (!year || !month || !day) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(*year)},
                                         std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!date.ok()) return std::nullopt;
  return Date{std::chrono::sys_days{date}.time_since_epoch().count()};
}

std::string DateText::print(const Date& value) {
  const std::chrono::year_month_day date{std::chrono::sys_days{std::chrono::days{value.days}}};
  return fmt::format("{:04}-{:02}-{:02}",
                     static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

std::optional<std::string> PathPattern::parse(std::string_view text) {
  if (!text.starts_with('/') || !std::all_of(text.begin(), text.end(), [](char c) {
        return is_route_char(c) || c == '*' || c == '%';
      })) {
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<std::string> Text::parse(std::string_view text) {
  constexpr size_t bytes_max = 256;
  if (text.empty() || text.size() > bytes_max || has_control(text)) return std::nullopt;
  if (text.front() == ' ' || text.back() == ' ') return std::nullopt;
  return std::string(text);
}

std::optional<std::string> ModelName::parse(std::string_view text) {
  const bool ok = std::all_of(text.begin(), text.end(), [](char c) {
    return base::is_letter_or_digit(c) ||
           std::string_view("-_.:/@+").find(c) != std::string_view::npos;
  });
  return ok ? Text::parse(text) : std::nullopt;
}

std::optional<std::string> FileName::parse(std::string_view text) const {
  if (!empty_word.empty() && text == empty_word) return std::string();
  if (text.empty() || has_control(text)) return std::nullopt;
  return std::string(text);
}

std::string FileName::print(const std::string& value) const {
  return value.empty() ? std::string(empty_word) : value;
}

}  // namespace config
