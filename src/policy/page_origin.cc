#include "policy/page_origin.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "base/network.h"

namespace policy {
namespace {

// Loopback, private, link-local, shared by carriers and overlay networks, unspecified (which
// connects to this machine): RFC 6890.
constexpr std::array<std::string_view, 10> local_networks{"127.0.0.0/8",
                                                          "10.0.0.0/8",
                                                          "172.16.0.0/12",
                                                          "192.168.0.0/16",
                                                          "169.254.0.0/16",
                                                          "100.64.0.0/10",
                                                          "0.0.0.0/8",
                                                          "::1",
                                                          "fc00::/7",
                                                          "fe80::/10"};

constexpr std::array<std::string_view, 6> local_domains{
    ".localhost", ".local", ".internal", ".lan", ".home.arpa", ".intranet"};

bool is_local_address(const base::IpBytes& address) {
  if (address == base::IpBytes{}) return true;  // "::"
  return std::any_of(local_networks.begin(), local_networks.end(), [&](std::string_view text) {
    return base::Network::parse(text)->contains(address);
  });
}

}  // namespace

bool is_local(const base::Origin& origin) {
  if (!origin.unix_path.empty()) return true;
  if (const auto address = base::parse_ip(origin.host)) return is_local_address(*address);
  std::string_view name = origin.host;
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.find('.') == std::string_view::npos) return true;
  return std::any_of(local_domains.begin(), local_domains.end(), [&](std::string_view domain) {
    return name.ends_with(domain);
  });
}

bool hides_page(config::PageOrigin wanted, const base::Origin& origin) {
  switch (wanted) {
    case config::PageOrigin::keep:
      return false;
    case config::PageOrigin::drop:
      return true;
    case config::PageOrigin::automatic:
      break;
  }
  return is_local(origin);
}

void hide_page(http::Head& request) {
  constexpr std::string_view fetch_metadata = "sec-fetch-";
  std::erase_if(request.fields, [&](const http::Field& field) {
    return field.id == http::FieldId::origin || field.id == http::FieldId::referer ||
           http::equals_ignoring_case(field.name.substr(0, fetch_metadata.size()), fetch_metadata);
  });
}

}  // namespace policy
