#pragma once

// The field names this program looks at, as small numbers.

#include <cstdint>
#include <string_view>

namespace http {

enum class FieldId : uint8_t {
  other,
  access_control_allow_origin,
  access_control_request_headers,
  access_control_request_method,
  authorization,
  cache_control,
  connection,
  content_length,
  content_location,
  content_type,
  cookie,
  date,
  expect,
  host,
  keep_alive,
  location,
  origin,
  proxy_authenticate,
  proxy_authorization,
  proxy_connection,
  proxy_loop,
  referer,
  refresh,
  retry_after,
  sec_websocket_protocol,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  vary,
  www_authenticate,
};

// The id of a field name (ASCII case-insensitive); `other` for one we have no name for.
[[nodiscard]] FieldId field_id(std::string_view name);

// Fields that concern one connection only and are never forwarded (RFC 9110 7.6.1), besides those
// that Connection names.
[[nodiscard]] constexpr bool is_hop_by_hop(FieldId id) {
  switch (id) {
    case FieldId::connection:
    case FieldId::keep_alive:
    case FieldId::proxy_authenticate:
    case FieldId::proxy_authorization:
    case FieldId::proxy_connection:
    case FieldId::te:
    case FieldId::trailer:
    case FieldId::transfer_encoding:
    case FieldId::upgrade:
      return true;
    default:
      return false;
  }
}

}  // namespace http
