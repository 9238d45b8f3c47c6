#include "policy/redirect.h"

#include <algorithm>
#include <initializer_list>
#include <string>

#include "base/ascii.h"
#include "http/target.h"

namespace policy {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view listed) {
    return http::equals_ignoring_case(listed, name);
  });
}

// Short ones, which other words hold too: as words of their own, or at a word's beginning.
bool has_word_of_proof(std::string_view name) {
  while (!name.empty()) {
    const size_t end = std::min(name.find_first_of("-_."), name.size());
    const std::string_view word = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (word.starts_with("auth")) return true;
    for (const std::string_view meant : {"key",
                                         "keys",
                                         "sig",
                                         "hmac",
                                         "pat",
                                         "pin",
                                         "otp",
                                         "dpop",
                                         "saml",
                                         "bearer",
                                         "pass",
                                         "pwd",
                                         "sid",
                                         "cert"}) {
      if (word == meant) return true;
    }
  }
  return false;
}

}  // namespace

bool is_redirect_status(uint16_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<Redirect> plan_redirect(uint16_t status,
                                      std::string_view method,
                                      const base::Url& current,
                                      std::string_view host,
                                      std::string_view location) {
  std::optional<base::Url> url = base::resolve_url(current, location);
  if (!url) return std::nullopt;
  const bool is_https = current.origin.scheme == base::Scheme::https;
  if (url->origin.scheme == current.origin.scheme &&
      http::is_same_authority(url->origin.authority(), host, is_https)) {
    url->origin = current.origin;
  }
  const bool post_turned_get = (status == 301 || status == 302) && method == "POST";
  const bool see_other = status == 303 && method != "GET" && method != "HEAD";
  const bool cross_origin = url->origin != current.origin;
  return Redirect{.url = std::move(*url),
                  .becomes_get = post_turned_get || see_other,
                  .cross_origin = cross_origin};
}

bool describes_body(std::string_view field_name) {
  return is_one_of(field_name,
                   {"content-encoding", "content-language", "content-location", "content-type"});
}

bool is_credential(std::string_view field_name) {
  // A duplicate's mark and a handshake's nonce: keys to nothing.
  if (is_one_of(field_name, {"idempotency-key", "x-idempotency-key", "sec-websocket-key"})) {
    return false;
  }
  const std::string name = base::in_lower_case(field_name);
  // Words that mean it wherever they stand, glued to others or not; browsers, which can set no
  // field of a WebSocket's handshake, put keys among its protocols.
  for (const std::string_view word : {"authori",
                                      "authent",
                                      "cookie",
                                      "token",
                                      "secret",
                                      "password",
                                      "passwd",
                                      "credential",
                                      "signature",
                                      "session",
                                      "apikey",
                                      "jwt",
                                      "assertion",
                                      "client-cert",
                                      "principal",
                                      "sec-websocket-protocol"}) {
    if (name.find(word) != std::string::npos) return true;
  }
  if (name.starts_with("proxy-") || name.ends_with("key")) return true;
  return has_word_of_proof(name);
}

void drop_credentials(std::vector<http::Field>& fields) {
  std::erase_if(fields, [](const http::Field& field) { return is_credential(field.name); });
}

}  // namespace policy
