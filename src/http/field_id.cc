#include "http/field_id.h"

#include <initializer_list>

#include "base/ascii.h"
#include "http/chars.h"
#include "http/head.h"

namespace http {
namespace {

struct Name {
  std::string_view text;
  FieldId id;
};

FieldId among(std::initializer_list<Name> names, std::string_view name) {
  // Most names are none of ours: the first letter settles nearly all of them.
  for (const Name& candidate : names) {
    if (base::to_lower(name.front()) == candidate.text.front() &&
        equals_ignoring_case(candidate.text, name)) {
      return candidate.id;
    }
  }
  return FieldId::other;
}

}  // namespace

// By length first: at most four candidates a name, none for most.
FieldId field_id(std::string_view name) {
  using enum FieldId;
  switch (name.size()) {
    case 2:
      return among({{"te", te}}, name);
    case 4:
      return among({{"host", host}, {"date", date}, {"vary", vary}}, name);
    case 6:
      return among({{"cookie", cookie}, {"expect", expect}, {"origin", origin}}, name);
    case 7:
      return among(
          {{"trailer", trailer}, {"upgrade", upgrade}, {"refresh", refresh}, {"referer", referer}},
          name);
    case 8:
      return among({{"location", location}}, name);
    case 10:
      return among({{"connection", connection}, {"keep-alive", keep_alive}}, name);
    case 11:
      return among({{"retry-after", retry_after}}, name);
    case 12:
      return among({{"content-type", content_type}, {"x-proxy-loop", proxy_loop}}, name);
    case 13:
      return among({{"authorization", authorization}, {"cache-control", cache_control}}, name);
    case 14:
      return among({{"content-length", content_length}}, name);
    case 16:
      return among({{"proxy-connection", proxy_connection},
                    {"content-location", content_location},
                    {"www-authenticate", www_authenticate}},
                   name);
    case 17:
      return among({{"transfer-encoding", transfer_encoding}}, name);
    case 18:
      return among({{"proxy-authenticate", proxy_authenticate}}, name);
    case 19:
      return among({{"proxy-authorization", proxy_authorization}}, name);
    case 22:
      return among({{"sec-websocket-protocol", sec_websocket_protocol}}, name);
    case 27:
      return among({{"access-control-allow-origin", access_control_allow_origin}}, name);
    case 29:
      return among({{"access-control-request-method", access_control_request_method}}, name);
    case 30:
      return among({{"access-control-request-headers", access_control_request_headers}}, name);
    default:
      return other;
  }
}

}  // namespace http
