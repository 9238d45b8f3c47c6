#include "policy/connection_login.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "http/chars.h"

namespace policy {
namespace {

constexpr std::array<std::string_view, 4> schemes{"NTLM", "Negotiate", "Kerberos", "Nego2"};

// Credentials are one scheme with what belongs to it; challenges are a list of them, in which a
// scheme stands at an element's beginning (RFC 9110 11.6.1).
bool names_scheme(std::string_view value) {
  bool named = false;
  http::for_each_list_element(value, [&](std::string_view element) {
    const auto* const end = std::find_if(element.begin(), element.end(), http::is_blank);
    const std::string_view word(element.begin(), end);
    named = std::any_of(schemes.begin(), schemes.end(), [&](std::string_view scheme) {
      return http::equals_ignoring_case(word, scheme);
    });
    return !named;
  });
  return named;
}

}  // namespace

bool is_connection_login(const http::Head& head) {
  return std::any_of(head.fields.begin(), head.fields.end(), [](const http::Field& field) {
    switch (field.id) {
      case http::FieldId::authorization:
      case http::FieldId::proxy_authenticate:
      case http::FieldId::proxy_authorization:
      case http::FieldId::www_authenticate:
        return names_scheme(field.value);
      default:
        return false;
    }
  });
}

}  // namespace policy
