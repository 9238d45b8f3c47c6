#include "policy/redirect.h"

#include <algorithm>
#include <initializer_list>

#include "http/head.h"

namespace policy {
namespace {

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  return std::any_of(names.begin(), names.end(), [&](std::string_view listed) {
    return http::equals_ignoring_case(listed, name);
  });
}

}  // namespace

bool is_redirect_status(uint16_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::optional<Redirect> plan_redirect(uint16_t status,
                                      std::string_view method,
                                      const base::Url& current,
                                      std::string_view location) {
  std::optional<base::Url> url = base::resolve_url(current, location);
  if (!url) return std::nullopt;
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
  return is_one_of(field_name, {"authorization", "cookie", "api-key", "x-api-key"});
}

}  // namespace policy
