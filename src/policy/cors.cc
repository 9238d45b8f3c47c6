#include "policy/cors.h"

#include <algorithm>

namespace policy {
namespace {

using http::FieldId;
using http::Head;

constexpr std::string_view allow_origin_name = "Access-Control-Allow-Origin";
constexpr std::string_view expose_headers_name = "Access-Control-Expose-Headers";

std::string join(const std::vector<std::string>& items) {
  std::string joined;
  for (const std::string& item : items) {
    if (!joined.empty()) joined += ", ";
    joined += item;
  }
  return joined;
}

// A serialised origin: scheme "://" host [":" port], nothing behind it.
bool is_origin(std::string_view text) {
  const size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos || scheme_end == 0) return false;
  const std::string_view authority = text.substr(scheme_end + 3);
  return !authority.empty() && std::all_of(authority.begin(), authority.end(), [](char c) {
    return c > ' ' && c < 0x7f && c != '/' && c != '?' && c != '#' && c != '@' && c != ',';
  });
}

bool is_valid_allow_origin(std::string_view value) {
  return value == "*" || value == "null" || is_origin(value);
}

// What browsers hide from pages unless told otherwise, and SDKs need: request ids, rate limits,
// retry advice, the API's own fields.
bool is_exposed_by_default(std::string_view name) {
  const auto starts_with = [&](std::string_view prefix) {
    return name.size() >= prefix.size() &&
           http::equals_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  return starts_with("openai-") || starts_with("x-ratelimit-") || starts_with("retry-after") ||
         http::equals_ignoring_case(name, "x-request-id") ||
         http::equals_ignoring_case(name, "x-should-retry") ||
         http::equals_ignoring_case(name, "location");
}

std::string_view exposed_names(const Head& response, base::Arena& arena) {
  std::string_view names;
  for (const http::Field& field : response.fields) {
    if (!is_exposed_by_default(field.name)) continue;
    if (!names.empty()) names = arena.append(names, ", ");
    names = arena.append(names, field.name);
  }
  return names;
}

}  // namespace

Cors::Cors(const config::Cors& config)
    : enabled_(config.enabled), max_age_s_(std::to_string(config.max_age_ms / 1000)) {
  for (const std::string& origin : config.allow_origins) {
    if (origin == "*") {
      any_origin_ = true;
      continue;
    }
    const size_t star = origin.find('*');
    if (star == std::string::npos) {
      origins_.push_back({origin, {}});
    } else {
      origins_.push_back({origin.substr(0, star), origin.substr(star + 1)});
    }
  }
  if (config.allow_headers) allow_headers_ = join(*config.allow_headers);
  if (config.expose_headers) expose_headers_ = join(*config.expose_headers);
}

bool Cors::OriginPattern::matches(std::string_view origin) const {
  if (suffix.empty()) return http::equals_ignoring_case(origin, prefix);
  if (origin.size() <= prefix.size() + suffix.size()) return false;
  // The wildcard stands for one or more labels, never for a part of the scheme or a port.
  const std::string_view labels =
      origin.substr(prefix.size(), origin.size() - prefix.size() - suffix.size());
  return http::equals_ignoring_case(origin.substr(0, prefix.size()), prefix) &&
         http::equals_ignoring_case(origin.substr(origin.size() - suffix.size()), suffix) &&
         labels.find_first_of("/:@") == std::string_view::npos;
}

bool Cors::is_allowed(std::string_view origin) const {
  return any_origin_ || std::any_of(origins_.begin(), origins_.end(), [&](const auto& pattern) {
           return pattern.matches(origin);
         });
}

bool Cors::is_preflight(const Head& request) const {
  return enabled_ && request.method == "OPTIONS" && request.find(FieldId::origin) != nullptr &&
         request.find(FieldId::access_control_request_method) != nullptr;
}

bool Cors::answers(const Head& request) const {
  const http::Field* origin = request.find(FieldId::origin);
  return enabled_ && origin != nullptr && is_allowed(origin->value);
}

void Cors::allow_origin(const Head& request, Head& response) const {
  response.remove(allow_origin_name);
  if (any_origin_) {
    const http::Field* asked = request.find(FieldId::access_control_allow_origin);
    const bool valid = asked != nullptr && is_valid_allow_origin(asked->value);
    response.add(allow_origin_name, valid ? asked->value : "*");
    return;
  }
  response.add("Vary", "Origin");
  const http::Field* origin = request.find(FieldId::origin);
  if (origin != nullptr && is_allowed(origin->value)) {
    response.add(allow_origin_name, origin->value);
  }
}

void Cors::answer_preflight(const Head& request, Head& response, base::Arena& arena) const {
  response.clear();
  response.status = 204;
  allow_origin(request, response);
  const http::Field* private_network = request.find("access-control-request-private-network");
  response.add("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers");
  if (private_network != nullptr) response.add("Vary", private_network->name);
  if (!answers(request)) return;
  response.add("Access-Control-Allow-Methods",
               request.find(FieldId::access_control_request_method)->value);
  if (allow_headers_) {
    response.add("Access-Control-Allow-Headers", arena.copy(*allow_headers_));
  } else if (const auto* asked = request.find(FieldId::access_control_request_headers)) {
    response.add("Access-Control-Allow-Headers", asked->value);
  }
  // A page of the internet that asks for a server of a home or a company (Private Network Access).
  if (private_network != nullptr && private_network->value == "true") {
    response.add("Access-Control-Allow-Private-Network", "true");
  }
  response.add("Access-Control-Max-Age", arena.copy(max_age_s_));
}

void Cors::apply(const Head& request, Head& response, base::Arena& arena) const {
  if (!enabled_) return;
  allow_origin(request, response);
  if (!answers(request)) return;
  const std::string_view names =
      expose_headers_ ? arena.copy(*expose_headers_) : exposed_names(response, arena);
  // Beside, not instead of, what the upstream exposes: list fields add up.
  if (!names.empty()) response.add(expose_headers_name, names);
}

}  // namespace policy
