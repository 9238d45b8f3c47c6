#include "policy/route.h"

#include <algorithm>

namespace policy {
namespace {

Route compile(const config::Config& config, const config::Route& route) {
  return Route{.path = route.path,
               .upstream = route.upstream,
               .strip_prefix = route.strip_prefix,
               .websockets = route.websockets,
               .retry_posts = route.retry_posts,
               .redirects = config.redirects,
               .body_bytes_max = config.limits.body_bytes_max,
               .cors = Cors(config.cors),
               .fields = FieldFilter(config.headers)};
}

// "/v1" is a prefix of "/v1", "/v1/chat" and "/v1?x", not of "/v1x".
bool is_path_prefix(std::string_view prefix, std::string_view path) {
  if (!path.starts_with(prefix)) return false;
  if (prefix.ends_with('/') || path.size() == prefix.size()) return true;
  const char next = path[prefix.size()];
  return next == '/' || next == '?';
}

}  // namespace

Router::Router(const config::Config& config) : fallback_(compile(config, config::Route{})) {
  for (const config::Route& route : config.routes)
    routes_.push_back(compile(config, route));
  std::stable_sort(routes_.begin(), routes_.end(), [](const Route& a, const Route& b) {
    return a.path.size() > b.path.size();
  });
}

const Route* Router::find(std::string_view path) const {
  for (const Route& route : routes_) {
    if (is_path_prefix(route.path, path)) return &route;
  }
  return nullptr;
}

}  // namespace policy
