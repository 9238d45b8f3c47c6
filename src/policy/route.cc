#include "policy/route.h"

#include <algorithm>

#include "policy/plain_path.h"

namespace policy {
namespace {

bool has_base_path(const config::Config& config, const std::string& upstream) {
  const auto found = config.upstreams.find(upstream);
  return found != config.upstreams.end() && found->second.url.target.size() > 1;
}

Route compile(const config::Config& config, const config::Route& route) {
  return Route{.path = route.path,
               .upstream = route.upstream,
               .strip_prefix = route.strip_prefix,
               .websockets = route.websockets,
               .retry_posts = route.retry_posts,
               .has_base_path = has_base_path(config, route.upstream),
               .redirects = config.redirects,
               .body_bytes_max = config.limits.body_bytes_max,
               .cors = Cors(config.cors),
               .fields = FieldFilter(config.headers)};
}

// Whether `path`, which is as long at least, has a segment's end there.
bool ends_segment(std::string_view prefix, std::string_view path) {
  if (prefix.ends_with('/') || path.size() == prefix.size()) return true;
  const char next = path[prefix.size()];
  return next == '/' || next == '?';
}

}  // namespace

bool is_path_prefix(std::string_view prefix, std::string_view path) {
  return path.starts_with(prefix) && ends_segment(prefix, path);
}

std::string_view Route::forwarded(std::string_view asked) const {
  return strip_prefix && path != "/" ? asked.substr(path.size()) : asked;
}

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

const Route* Router::find_ignoring_case(std::string_view path) const {
  for (const Route& route : routes_) {
    const std::string_view begin = path.substr(0, route.path.size());
    if (http::equals_ignoring_case(begin, route.path) && ends_segment(route.path, path)) {
      return &route;
    }
  }
  return nullptr;
}

bool Router::is_ambiguous(std::string_view path, const Route* found) const {
  const bool takes_all = found != nullptr && found->path == "/" && !found->has_base_path;
  if (takes_all && routes_.size() == 1) return false;
  path = path.substr(0, path.find('?'));
  if (!is_odd_path(path)) return find_ignoring_case(path) != found;
  if (find_ignoring_case(plain_path(path)) != found) return true;
  return found != nullptr && !takes_all && climbs_out(path.substr(found->path.size()));
}

}  // namespace policy
