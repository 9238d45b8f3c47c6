#include "policy/base_path.h"

#include <cstddef>

#include "base/ascii.h"
#include "policy/route.h"

namespace policy {
namespace {

// Where the last segment of `base` that is a version begins, with its slash; npos where none is.
size_t version_at(std::string_view base) {
  size_t end = base.size();
  while (end > 0) {
    const size_t slash = base.rfind('/', end - 1);
    if (slash == std::string_view::npos) break;
    const std::string_view segment = base.substr(slash + 1, end - slash - 1);
    const bool is_version = segment.size() > 1 && segment[0] == 'v' && base::is_digit(segment[1]);
    if (is_version) return slash;
    end = slash;
  }
  return std::string_view::npos;
}

}  // namespace

std::string_view base_in_front(std::string_view base, std::string_view path) {
  while (base.ends_with('/'))
    base.remove_suffix(1);
  const size_t version = version_at(base);
  if (version == std::string_view::npos) return base;
  if (is_path_prefix(base, path)) return {};
  if (is_path_prefix(base.substr(version), path)) return base.substr(0, version);
  return base;
}

bool has_version(std::string_view base) {
  return version_at(base) != std::string_view::npos;
}

}  // namespace policy
