#pragma once

// A route and its policies, compiled from the configuration; and the way from a path to its route.

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "policy/cors.h"
#include "policy/fields.h"

namespace policy {

// Whether `path`, which may have a query behind it, begins with `prefix` and a segment ends there:
// "/v1" is a prefix of "/v1", "/v1/chat" and "/v1?x", not of "/v1x".
[[nodiscard]] bool is_path_prefix(std::string_view prefix, std::string_view path);

// Value, immutable once compiled.
struct Route {
  std::string path;      // ends with a slash only where it is "/"
  std::string upstream;  // a name in config.upstreams
  bool strip_prefix = false;
  bool websockets = true;
  bool retry_posts = false;
  bool has_base_path = false;  // the upstream's URL has one
  config::Redirects redirects;
  uint64_t body_bytes_max = 0;  // 0: no limit
  Cors cors;
  FieldFilter fields;

  // What of a request's path goes up, which is of this route, query included; with `strip_prefix`
  // perhaps nothing, or a query alone.
  [[nodiscard]] std::string_view forwarded(std::string_view asked) const;
};

// Value, immutable once compiled.
class Router {
 public:
  explicit Router(const config::Config& config);

  // The route with the longest path that is a prefix of `path`, at a segment's end; nullptr where
  // none matches. `path` may have a query behind it. Points into the router.
  [[nodiscard]] const Route* find(std::string_view path) const;

  // Whether `path`, for which find() gave `found`, could be meant for another route, or for what is
  // beyond this one's: by its case, encoded or empty segments, dot segments. Whoever forwarded it
  // would give its key and body to an upstream that they are not meant for.
  [[nodiscard]] bool is_ambiguous(std::string_view path, const Route* found) const;

  // What answers when no route is known yet or none matches: the global policies, no upstream.
  [[nodiscard]] const Route& fallback() const { return fallback_; }

 private:
  [[nodiscard]] const Route* find_ignoring_case(std::string_view path) const;

  std::vector<Route> routes_;  // longest path first
  Route fallback_;
};

}  // namespace policy
