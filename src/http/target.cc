#include "http/target.h"

#include <algorithm>

#include "base/ascii.h"
#include "http/chars.h"
#include "http/head.h"

namespace http {
namespace {

constexpr unsigned port_max = 65535;

bool is_name_char(char c) {
  return base::is_letter_or_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

bool is_ipv6_char(char c) {
  return base::hex_value(c) >= 0 || c == ':' || c == '.';
}

// *DIGIT, at most 65535.
bool is_port(std::string_view text) {
  unsigned port = 0;
  for (const char c : text) {
    if (!base::is_digit(c)) return false;
    port = port * 10 + static_cast<unsigned>(c - '0');
    if (port > port_max) return false;
  }
  return true;
}

// How much of `text` is the host; npos where its brackets do not match.
size_t host_size(std::string_view text) {
  if (!text.starts_with('[')) return std::min(text.find(':'), text.size());
  const size_t close = text.find(']');
  return close == std::string_view::npos ? close : close + 1;
}

std::string_view without_default_port(std::string_view authority, bool is_https) {
  const size_t size = host_size(authority);
  if (size >= authority.size()) return authority;
  const std::string_view port = authority.substr(size + 1);
  const bool is_default = port.empty() || port == (is_https ? "443" : "80");
  return is_default ? authority.substr(0, size) : authority;
}

}  // namespace

bool is_authority(std::string_view text) {
  const size_t size = host_size(text);
  if (size == std::string_view::npos || size == 0) return false;
  std::string_view host = text.substr(0, size);
  const std::string_view port = text.substr(size);
  if (!port.empty() && (port.front() != ':' || !is_port(port.substr(1)))) return false;
  if (host.front() != '[') return std::all_of(host.begin(), host.end(), is_name_char);
  host = host.substr(1, host.size() - 2);
  return host.size() >= 2 && std::all_of(host.begin(), host.end(), is_ipv6_char);
}

bool is_same_authority(std::string_view a, std::string_view b, bool is_https) {
  return equals_ignoring_case(without_default_port(a, is_https), without_default_port(b, is_https));
}

std::optional<TargetParts> split_target(std::string_view target) {
  if (target.find('#') != std::string_view::npos) return std::nullopt;
  if (target.starts_with('/') || target == "*") return TargetParts{{}, target};
  TargetParts parts;
  if (equals_ignoring_case(target.substr(0, 7), "http://")) {
    target.remove_prefix(7);
  } else if (equals_ignoring_case(target.substr(0, 8), "https://")) {
    target.remove_prefix(8);
    parts.is_https = true;
  } else {
    return std::nullopt;
  }
  const size_t size = std::min(target.find_first_of("/?"), target.size());
  parts.authority = target.substr(0, size);
  parts.rest = target.substr(size);
  if (!is_authority(parts.authority)) return std::nullopt;
  return parts;
}

std::string_view origin_form(std::string_view method, std::string_view target, base::Arena& arena) {
  const std::optional<TargetParts> parts = split_target(target);
  if (!parts || parts->authority.empty() || parts->rest.starts_with('/')) {
    return parts ? parts->rest : target;
  }
  if (!parts->rest.empty()) return arena.join({"/", parts->rest});
  return method == "OPTIONS" ? "*" : "/";
}

}  // namespace http
