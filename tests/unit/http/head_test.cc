#include "http/head.h"

#include <string>

#include <doctest/doctest.h>

namespace {

using http::Field;
using http::FieldId;
using http::Head;

TEST_CASE("field_id: every name, in any case, and near misses") {
  struct Known {
    std::string_view name;
    FieldId id;
  };
  constexpr Known known[] = {
      {"access-control-allow-origin", FieldId::access_control_allow_origin},
      {"access-control-request-headers", FieldId::access_control_request_headers},
      {"access-control-request-method", FieldId::access_control_request_method},
      {"authorization", FieldId::authorization},
      {"cache-control", FieldId::cache_control},
      {"connection", FieldId::connection},
      {"content-length", FieldId::content_length},
      {"content-location", FieldId::content_location},
      {"content-type", FieldId::content_type},
      {"cookie", FieldId::cookie},
      {"date", FieldId::date},
      {"expect", FieldId::expect},
      {"host", FieldId::host},
      {"keep-alive", FieldId::keep_alive},
      {"location", FieldId::location},
      {"origin", FieldId::origin},
      {"proxy-authenticate", FieldId::proxy_authenticate},
      {"proxy-authorization", FieldId::proxy_authorization},
      {"proxy-connection", FieldId::proxy_connection},
      {"x-proxy-loop", FieldId::proxy_loop},
      {"referer", FieldId::referer},
      {"refresh", FieldId::refresh},
      {"retry-after", FieldId::retry_after},
      {"sec-websocket-protocol", FieldId::sec_websocket_protocol},
      {"te", FieldId::te},
      {"trailer", FieldId::trailer},
      {"transfer-encoding", FieldId::transfer_encoding},
      {"upgrade", FieldId::upgrade},
      {"vary", FieldId::vary},
      {"www-authenticate", FieldId::www_authenticate},
  };
  for (const Known& one : known) {
    CAPTURE(one.name);
    std::string name(one.name);
    CHECK(http::field_id(name) == one.id);
    for (char& c : name)
      c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
    CHECK(http::field_id(name) == one.id);
    CHECK(http::field_id(name + "x") == FieldId::other);
    CHECK(http::field_id(name.substr(1)) == FieldId::other);
    name.back() = '_';
    CHECK(http::field_id(name) == FieldId::other);
  }
  CHECK(std::size(known) == static_cast<size_t>(FieldId::www_authenticate));
  CHECK(http::field_id("") == FieldId::other);
}

TEST_CASE("equals_ignoring_case: letters only") {
  CHECK(http::equals_ignoring_case("", ""));
  CHECK(http::equals_ignoring_case("aZ-9", "Az-9"));
  CHECK_FALSE(http::equals_ignoring_case("a", "ab"));
  CHECK_FALSE(http::equals_ignoring_case("@", "`"));
  CHECK_FALSE(http::equals_ignoring_case("[", "{"));
  CHECK_FALSE(http::equals_ignoring_case("\xc9", "\xe9"));
}

TEST_CASE("Head: find, set and remove by known and unknown names") {
  Head head;
  head.add("Host", "h");
  head.add("X-A", "1");
  head.add("Vary", "a");
  head.add("x-a", "2");
  CHECK(head.find("x-A")->value == "1");
  CHECK(head.find(FieldId::vary)->value == "a");
  CHECK(head.find("VARY")->value == "a");
  CHECK(head.find("X-B") == nullptr);
  CHECK(head.find(FieldId::date) == nullptr);
  head.set("X-a", "3");
  REQUIRE(head.fields.size() == 3);
  CHECK(head.fields[0].name == "Host");
  CHECK(head.fields[2].name == "X-a");
  CHECK(head.fields[2].value == "3");
  head.remove("vary");
  CHECK(head.find(FieldId::vary) == nullptr);
  head.remove("none");
  CHECK(head.fields.size() == 2);
}

TEST_CASE("Head: clear keeps the capacity") {
  Head head;
  head.method = "GET";
  head.status = 200;
  head.version_minor = 0;
  for (int i = 0; i < 20; ++i)
    head.add("A", "b");
  const size_t capacity = head.fields.capacity();
  head.clear();
  CHECK(head.fields.empty());
  CHECK(head.fields.capacity() == capacity);
  CHECK(head.method.empty());
  CHECK(head.status == 0);
  CHECK(head.version_minor == 1);
}

TEST_CASE("for_each_list_element: RFC 9110 5.6.1") {
  const auto elements = [](std::string_view list) {
    std::string text;
    http::for_each_list_element(list, [&](std::string_view element) {
      text.append("<").append(element).append(">");
      return element != "stop";
    });
    return text;
  };
  CHECK(elements("") == "");
  CHECK(elements(" ,\t, ") == "");
  CHECK(elements("a") == "<a>");
  CHECK(elements(" a b\t,, c ,") == "<a b><c>");
  CHECK(elements("a,stop,b") == "<a><stop>");
}

}  // namespace
