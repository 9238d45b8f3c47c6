#include "policy/way_back.h"

#include <algorithm>
#include <optional>
#include <string>

#include "http/target.h"

namespace policy {
namespace {

using http::Field;
using http::FieldId;

bool is_place(FieldId id) {
  return id == FieldId::location || id == FieldId::content_location || id == FieldId::refresh;
}

// Whether `url` is the upstream's: the origin we connect to, or the name it is called by. Behind
// something that ends TLS for them, servers get the scheme of their own name wrong.
bool is_own(const base::Url& url, const WayBack& way) {
  if (url.origin == way.upstream.origin) return true;
  const bool is_https = url.origin.scheme == base::Scheme::https;
  return http::is_same_authority(url.origin.authority(), way.host, is_https);
}

// `target` without the upstream's base path; nothing where it is outside.
std::optional<std::string> below_base_path(std::string_view target, const WayBack& way) {
  std::string_view base_path = way.upstream.target;
  while (base_path.ends_with('/'))
    base_path.remove_suffix(1);
  if (!is_path_prefix(base_path, target) && !base_path.empty()) return std::nullopt;
  target.remove_prefix(base_path.size());
  return target.starts_with('/') ? std::string(target) : "/" + std::string(target);
}

// What a client asks for to have the upstream asked for `target`; nothing where no route of the
// same upstream leads there.
std::optional<std::string> for_client(std::string_view target, const WayBack& way) {
  const std::optional<std::string> below = below_base_path(target, way);
  if (!below) return std::nullopt;
  const bool strips = way.route.strip_prefix && way.route.path != "/";
  std::string asked = strips ? way.route.path + *below : *below;
  const Route* route = way.router.find(asked);
  if (route == nullptr || route->upstream != way.route.upstream) return std::nullopt;
  const std::string_view rest = route->forwarded(asked);
  const bool is_same = rest.starts_with('/') ? rest == *below : "/" + std::string(rest) == *below;
  return is_same ? std::optional(std::move(asked)) : std::nullopt;
}

std::string absolute(const base::Url& url, const WayBack& way) {
  const bool is_socket = !url.origin.unix_path.empty();
  return (is_socket ? "http://" + std::string(way.host) : url.origin.text()) + url.target;
}

// Nothing: `reference` is right as it is.
std::optional<std::string> map_reference(std::string_view reference, const WayBack& way) {
  const std::optional<base::Url> url = base::resolve_url(way.current, reference);
  if (!url) return std::nullopt;
  const size_t hash = reference.find('#');
  const std::string_view fragment =
      hash == std::string_view::npos ? std::string_view() : reference.substr(hash);
  const bool is_absolute = reference.starts_with("//") || base::parse_url(reference).has_value();
  const std::optional<std::string> asked =
      is_own(*url, way) ? for_client(url->target, way) : std::nullopt;
  if (!asked && is_absolute) return std::nullopt;
  if (!asked) return absolute(*url, way) + std::string(fragment);
  const bool means_the_same = reference.starts_with('/') || !way.redirected;
  if (!is_absolute && *asked == url->target && means_the_same) return std::nullopt;
  return *asked + std::string(fragment);
}

// The URL in "5; url=/x" as browsers read it (HTML, "shared declarative refresh steps"): quotes and
// all but the digits may be missing. Empty where there is none.
std::string_view url_of_refresh(std::string_view value) {
  const auto skip = [&](std::string_view set) {
    value.remove_prefix(std::min(value.find_first_not_of(set), value.size()));
  };
  const size_t separator = value.find_first_of(";,");
  if (separator == std::string_view::npos) return {};
  value.remove_prefix(separator + 1);
  skip(" \t");
  if (http::equals_ignoring_case(value.substr(0, 3), "url")) {
    const std::string_view whole = value;
    value.remove_prefix(3);
    skip(" \t");
    if (value.starts_with('=')) {
      value.remove_prefix(1);
      skip(" \t");
    } else {
      value = whole;
    }
  }
  if (value.empty()) return {};
  const char quote = value.front();
  if (quote != '"' && quote != '\'') return value;
  value.remove_prefix(1);
  return value.substr(0, value.find(quote));
}

}  // namespace

bool names_a_place(const http::Head& response) {
  return std::any_of(response.fields.begin(), response.fields.end(), [](const Field& field) {
    return is_place(field.id);
  });
}

void map_way_back(http::Head& response, const WayBack& way, base::Arena& arena) {
  for (Field& field : response.fields) {
    if (!is_place(field.id)) continue;
    const std::string_view url =
        field.id == FieldId::refresh ? url_of_refresh(field.value) : field.value;
    if (url.empty()) continue;
    const std::optional<std::string> mapped = map_reference(url, way);
    if (!mapped) continue;
    const auto before = static_cast<size_t>(url.data() - field.value.data());
    field.value = arena.join(
        {field.value.substr(0, before), *mapped, field.value.substr(before + url.size())});
  }
}

}  // namespace policy
