#include "policy/fields.h"

#include <algorithm>
#include <initializer_list>
#include <utility>

namespace policy {
namespace {

using http::Field;
using http::FieldId;
using http::Head;

constexpr std::string_view via_value = "1.1 openai-proxy";

bool starts_with_ignoring_case(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() &&
         http::equals_ignoring_case(text.substr(0, prefix.size()), prefix);
}

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view listed) {
    return http::equals_ignoring_case(listed, name);
  });
}

bool begins_with_one_of(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](std::string_view prefix) {
    return starts_with_ignoring_case(name, prefix);
  });
}

// Of all that begins with cf-: what a client says to an upstream behind Cloudflare's AI gateway,
// its Access, its storage or a preview of a Worker. The few that clients set are known, and what
// the CDN adds grows from year to year and tells of the user, so all else is the CDN's.
bool is_meant_for_cloudflare(std::string_view name) {
  return begins_with_one_of(
             name,
             {"cf-aig-", "cf-access-client-", "cf-copy-", "cf-create-", "cf-workers-preview-"}) ||
         is_one_of(name, {"cf-access-token", "cf-turnstile-response"});
}

// They leak the user's address, and the API's edge refuses requests that carry them.
bool is_cdn_field(std::string_view name) {
  switch (name.empty() ? 0 : name[0] | 0x20) {
    case 'c':
      if (starts_with_ignoring_case(name, "cf-")) return !is_meant_for_cloudflare(name);
      return starts_with_ignoring_case(name, "cloudfront-") ||
             http::equals_ignoring_case(name, "cdn-loop");
    case 'f':
      return is_one_of(name, {"forwarded", "fastly-client-ip", "fly-client-ip"});
    case 'i':
      return http::equals_ignoring_case(name, "incap-client-ip");
    case 't':
      return http::equals_ignoring_case(name, "true-client-ip");
    case 'v':
      return http::equals_ignoring_case(name, "via");
    case 'x':
      return begins_with_one_of(name, {"x-forwarded-", "x-vercel-forwarded-", "x-vercel-ip-"}) ||
             is_one_of(name,
                       {"x-real-ip",
                        "x-client-ip",
                        "x-cluster-client-ip",
                        "x-original-forwarded-for",
                        "x-envoy-external-address",
                        "x-azure-clientip",
                        "x-azure-socketip"});
    default:
      return false;
  }
}

bool is_listed(const std::vector<std::string>& names, std::string_view name) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& listed) {
    return http::equals_ignoring_case(listed, name);
  });
}

// Whether some Connection field names it (RFC 9110 7.6.1).
bool is_named_by_connection(const Head& head, std::string_view name) {
  bool named = false;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::connection) continue;
    http::for_each_list_element(field.value, [&](std::string_view option) {
      named = named || http::equals_ignoring_case(option, name);
      return !named;
    });
  }
  return named;
}

// "keep-alive", "close" and "upgrade" name no field worth looking for.
bool connection_names_fields(const Head& head) {
  bool names = false;
  for (const Field& field : head.fields) {
    if (field.id != FieldId::connection) continue;
    http::for_each_list_element(field.value, [&](std::string_view option) {
      names = !http::equals_ignoring_case(option, "keep-alive") &&
              !http::equals_ignoring_case(option, "close") &&
              !http::equals_ignoring_case(option, "upgrade");
      return !names;
    });
  }
  return names;
}

bool is_framing(FieldId id) {
  return id == FieldId::content_length || http::is_hop_by_hop(id);
}

}  // namespace

FieldFilter::FieldFilter(const config::Headers& config)
    : strip_cdn_(config.strip_cdn),
      add_forwarded_(config.add_forwarded),
      add_via_(config.add_via),
      strip_request_(config.strip_request),
      strip_response_(config.strip_response) {}

void FieldFilter::request(const Head& from, Head& to, std::string_view host) const {
  const bool connection_names = connection_names_fields(from);
  if (from.find(FieldId::host) == nullptr) to.add("Host", host);
  for (const Field& field : from.fields) {
    if (is_framing(field.id) || field.id == FieldId::proxy_loop) continue;
    if (field.id == FieldId::host) {
      to.fields.push_back({field.name, host, field.id});
      continue;
    }
    if (strip_cdn_ && is_cdn_field(field.name)) continue;
    if (!strip_request_.empty() && is_listed(strip_request_, field.name)) continue;
    if (connection_names && is_named_by_connection(from, field.name)) continue;
    to.fields.push_back(field);
  }
}

void FieldFilter::response(Head& response) const {
  const bool connection_names = connection_names_fields(response);
  // Fields named by Connection first, while Connection is still there to name them.
  if (connection_names) {
    const Head& whole = response;
    std::vector<Field> kept;
    for (const Field& field : whole.fields) {
      if (field.id == FieldId::connection || !is_named_by_connection(whole, field.name)) {
        kept.push_back(field);
      }
    }
    response.fields = std::move(kept);
  }
  // A 426 without Upgrade would not say what is required (RFC 9110 15.5.22). What other responses
  // offer holds between the upstream and us alone, as does what a 101 has switched to.
  const bool keeps_upgrade = response.status == 426;
  std::erase_if(response.fields, [&](const Field& field) {
    if (field.id == FieldId::upgrade && keeps_upgrade) return false;
    return is_framing(field.id) || is_listed(strip_response_, field.name);
  });
}

void FieldFilter::announce(Head& request, std::string_view client_address, bool is_https) const {
  if (add_forwarded_ && !client_address.empty()) {
    request.add("X-Forwarded-For", client_address);
    request.add("X-Forwarded-Proto", is_https ? "https" : "http");
  }
  if (add_via_) request.add("Via", via_value);
}

void FieldFilter::announce(Head& response) const {
  if (add_via_) response.add("Via", via_value);
}

}  // namespace policy
