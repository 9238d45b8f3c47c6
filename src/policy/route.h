#pragma once

// A route and its policies, compiled from the configuration; and the way from a path to its route.

#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "policy/cors.h"
#include "policy/fields.h"

namespace policy {

// Value, immutable once compiled.
struct Route {
  std::string path;
  std::string upstream;  // a name in config.upstreams
  bool strip_prefix = false;
  bool websockets = true;
  bool retry_posts = false;
  config::Redirects redirects;
  uint64_t body_bytes_max = 0;  // 0: no limit
  Cors cors;
  FieldFilter fields;
};

// Value, immutable once compiled.
class Router {
 public:
  explicit Router(const config::Config& config);

  // The route with the longest path that is a prefix of `path`, at a segment's end; nullptr where
  // none matches. `path` may have a query behind it. Points into the router.
  [[nodiscard]] const Route* find(std::string_view path) const;

  // What answers when no route is known yet or none matches: the global policies, no upstream.
  [[nodiscard]] const Route& fallback() const { return fallback_; }

 private:
  std::vector<Route> routes_;  // longest path first
  Route fallback_;
};

}  // namespace policy
