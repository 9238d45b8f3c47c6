// URLs after RFC 3986, no more of it than http(s) needs. Names are not decoded and not IDNA-mapped.
#include "base/url.h"

#include <arpa/inet.h>

#include "base/ascii.h"
#include "base/parse_number.h"

namespace base {
namespace {

constexpr size_t host_bytes_max = 253;  // RFC 1035 2.3.4, as text

constexpr uint16_t default_port(Scheme scheme) {
  return scheme == Scheme::https ? 443 : 80;
}

bool has_forbidden_byte(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= 0x20 || byte == 0x7f) return true;
  }
  return false;
}

// What no URL may hold as it is (RFC 3986 2), but servers do send; '[' and ']' are left alone as
// browsers leave them. A backslash so can never pass for a slash further on.
std::string percent_encoded(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  static constexpr std::string_view unwise = "\"<>\\^`{|}";
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && unwise.find(c) == std::string_view::npos) {
      encoded += c;
    } else {
      encoded += {'%', hex[byte >> 4U], hex[byte & 0xfU]};
    }
  }
  return encoded;
}

// A scheme in front of ':' (RFC 3986 3.1), or nothing: then the text is a relative reference.
std::optional<std::string_view> scheme_of(std::string_view text) {
  const size_t colon = text.find_first_of(":/?#");
  if (colon == std::string_view::npos || colon == 0 || text[colon] != ':') return std::nullopt;
  const std::string_view scheme = text.substr(0, colon);
  if (!is_letter(scheme.front())) return std::nullopt;
  for (const char c : scheme) {
    if (!is_letter_or_digit(c) && c != '+' && c != '-' && c != '.') return std::nullopt;
  }
  return scheme;
}

std::optional<std::string> parse_ipv6(std::string_view text) {
  const std::string literal(text);
  in6_addr address{};
  if (inet_pton(AF_INET6, literal.c_str(), &address) != 1) return std::nullopt;
  // Written one way only (RFC 5952), so that equal origins compare equal.
  char canonical[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &address, canonical, sizeof canonical);
  return canonical;
}

// A DNS name or an IPv4 literal. '_' stands in names of containers.
std::optional<std::string> parse_name(std::string_view text) {
  if (text.empty() || text.size() > host_bytes_max) return std::nullopt;
  if (text.front() == '.' || text.find("..") != std::string_view::npos) return std::nullopt;
  for (const char c : text) {
    if (!is_letter_or_digit(c) && c != '-' && c != '.' && c != '_') return std::nullopt;
  }
  return in_lower_case(text);
}

std::optional<Origin> parse_authority(Scheme scheme, std::string_view text) {
  Origin origin{.scheme = scheme, .host = {}, .port = default_port(scheme), .unix_path = {}};
  std::optional<std::string> host;
  std::string_view rest;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    host = parse_ipv6(text.substr(1, end - 1));
    rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
  } else {
    const size_t colon = text.find(':');
    host = parse_name(text.substr(0, colon));
    if (colon != std::string_view::npos) rest = text.substr(colon);
  }
  if (!host) return std::nullopt;
  origin.host = std::move(*host);
  if (rest.size() > 1) {  // a lone ':' means the default port (RFC 3986 3.2.3)
    const auto port = parse_number<uint16_t>(rest.substr(1));
    if (!port || *port == 0) return std::nullopt;
    origin.port = *port;
  }
  return origin;
}

struct Reference {
  std::string_view path;
  std::string_view query;  // with its '?'
};

Reference split_reference(std::string_view text) {
  text = text.substr(0, text.find('#'));
  const size_t question = text.find('?');
  if (question == std::string_view::npos) return {text, {}};
  return {text.substr(0, question), text.substr(question)};
}

// RFC 3986 5.2.4, for paths that start with '/'.
std::string without_dot_segments(std::string_view path) {
  std::string output;
  output.reserve(path.size() + 1);
  while (!path.empty()) {
    const size_t next = path.find('/', 1);
    const std::string_view segment = path.substr(0, next);
    const bool last = next == std::string_view::npos;
    if (segment == "/..") {
      const size_t slash = output.rfind('/');
      output.resize(slash == std::string::npos ? 0 : slash);
      if (last) output += '/';
    } else if (segment == "/.") {
      if (last) output += '/';
    } else {
      output += segment;
    }
    path = last ? std::string_view{} : path.substr(next);
  }
  if (output.empty()) output += '/';
  return output;
}

std::string rooted(std::string path) {
  if (!path.starts_with('/')) path.insert(path.begin(), '/');
  return path;
}

// "//authority/path?query" of a URL whose scheme is known.
std::optional<Url> parse_after_scheme(Scheme scheme, std::string_view text) {
  if (!text.starts_with("//")) return std::nullopt;
  text.remove_prefix(2);
  const size_t end = text.find_first_of("/?#");
  auto origin = parse_authority(scheme, text.substr(0, end));
  if (!origin) return std::nullopt;
  const Reference rest =
      split_reference(end == std::string_view::npos ? std::string_view{} : text.substr(end));
  std::string target = rooted(percent_encoded(rest.path));
  target += percent_encoded(rest.query);
  return Url{std::move(*origin), std::move(target)};
}

std::optional<Scheme> known_scheme(std::string_view text) {
  const std::string lower = in_lower_case(text);
  if (lower == "https") return Scheme::https;
  if (lower == "http") return Scheme::http;
  return std::nullopt;
}

void remove_dot_segments(Url& url) {
  const Reference parts = split_reference(url.target);
  std::string target = without_dot_segments(parts.path);
  target += parts.query;
  url.target = std::move(target);
}

}  // namespace

std::string Origin::authority() const {
  std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
  if (port != default_port(scheme)) text += ":" + std::to_string(port);
  return text;
}

std::string Origin::text() const {
  if (!unix_path.empty()) return "unix:" + unix_path;
  return (scheme == Scheme::https ? "https://" : "http://") + authority();
}

std::optional<Url> parse_url(std::string_view text) {
  if (has_forbidden_byte(text)) return std::nullopt;
  const auto name = scheme_of(text);
  if (!name) return std::nullopt;
  const auto scheme = known_scheme(*name);
  if (!scheme) return std::nullopt;
  return parse_after_scheme(*scheme, text.substr(name->size() + 1));
}

Url unix_url(std::string_view path) {
  return {{.scheme = Scheme::http, .host = "localhost", .port = 80, .unix_path = std::string(path)},
          "/"};
}

std::optional<Url> resolve_url(const Url& base, std::string_view reference) {
  if (has_forbidden_byte(reference)) return std::nullopt;
  if (scheme_of(reference) || reference.starts_with("//")) {
    auto url = scheme_of(reference) ? parse_url(reference)
                                    : parse_after_scheme(base.origin.scheme, reference);
    if (url) remove_dot_segments(*url);
    return url;
  }
  const Reference from = split_reference(base.target);
  const Reference to = split_reference(reference);
  if (to.path.empty()) {
    std::string target = rooted(std::string(from.path));
    target += to.query.empty() ? std::string(from.query) : percent_encoded(to.query);
    return Url{base.origin, std::move(target)};
  }
  std::string path = percent_encoded(to.path);
  if (!path.starts_with('/')) {
    // Merged with everything up to the base's last segment (RFC 3986 5.2.3).
    const size_t slash = from.path.rfind('/');
    const std::string_view folder =
        slash == std::string_view::npos ? "/" : from.path.substr(0, slash + 1);
    path.insert(0, folder);
  }
  std::string target = without_dot_segments(rooted(std::move(path)));
  target += percent_encoded(to.query);
  return Url{base.origin, std::move(target)};
}

std::string_view without_port(std::string_view authority) {
  const size_t colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  return has_port ? authority.substr(0, colon) : authority;
}

std::string_view host_of(std::string_view authority) {
  const std::string_view host = without_port(authority);
  const bool is_in_brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
  return is_in_brackets ? host.substr(1, host.size() - 2) : host;
}

}  // namespace base
