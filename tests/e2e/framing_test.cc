// What RFC 9110 and 9112 ask of a reader: white space, statuses without a body, odd but clear
// heads.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

TEST_CASE_TRANSPORTS("a tab is white space, from both sides") {
  RawUpstream upstream(
      test::upstream_options(transports.upstream), [](UpstreamConnection& connection) {
        while (const auto request = connection.read_request()) {
          connection.send(request->target() == "/chunked"
                              ? "HTTP/1.1 200 OK\r\nTransfer-Encoding:\tchunked\t\r\n\r\n"
                                "2\r\nok\r\n0\r\n\r\n"
                              : "HTTP/1.1 200 OK\r\nContent-Length:\t2\t\r\n\r\nok");
        }
      });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(
      client.round_trip("POST / HTTP/1.1\r\nHost:\tp\t\r\nContent-Length: 5\t\r\n\r\nhello").body ==
      "ok");
  CHECK(upstream.next_request().body == "hello");
  CHECK(
      client
          .round_trip("POST /chunked HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\t\r\n\r\n" +
                      test::chunk("hello") + "0\r\n\r\n")
          .body == "ok");
  CHECK(upstream.next_request().body == "hello");
}

TEST_CASE("a response that cannot have a body ends with its head, and no other is read behind it") {
  struct Case {
    const char* method;
    const char* head;
    int status;
    bool reused;
  };
  for (const Case& c :
       {Case{"GET", "HTTP/1.1 204 N\r\n\r\n", 204, true},
        Case{"GET", "HTTP/1.1 204 N\r\nContent-Length: 0\r\n\r\n", 204, true},
        Case{"GET", "HTTP/1.1 204 N\r\nContent-Length: 5\r\n\r\n", 204, false},
        Case{"GET", "HTTP/1.1 204 N\r\nTransfer-Encoding: chunked\r\n\r\n", 204, false},
        Case{"GET", "HTTP/1.1 304 N\r\nContent-Length: 5\r\n\r\n", 304, true},
        Case{"GET", "HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\n", 304, true},
        Case{"GET", "HTTP/1.1 304 N\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", 304, false},
        Case{"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, true},
        Case{"HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 200, false},
        Case{"GET",
             "HTTP/1.1 103 E\r\nTransfer-Encoding: chunked\r\n\r\n"
             "HTTP/1.1 204 N\r\n\r\n",
             204,
             false}}) {
    CAPTURE(c.method);
    CAPTURE(c.head);
    RawUpstream upstream([&](UpstreamConnection& connection) {
      while (connection.read_request())
        connection.send(c.head);
    });
    const Proxy proxy(upstream);
    for (int i = 0; i < 2; ++i) {
      RawClient client = proxy.client();
      client.send(std::string(c.method) + " / HTTP/1.1\r\nHost: p\r\n\r\n");
      Message response = client.read_response_head(c.method);
      if (response.status() == 103) response = client.read_response_head(c.method);
      CHECK(response.status() == c.status);
      CHECK_FALSE(response.has("transfer-encoding"));
      if (c.status == 204) CHECK_FALSE(response.has("content-length"));
    }
    CHECK(upstream.connections() == (c.reused ? 1 : 2));
  }
}

TEST_CASE("odd heads of an upstream that have one meaning") {
  struct Case {
    const char* response;
    int status;
  };
  for (const Case& c :
       {Case{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", 200},
        Case{"HTTP/1.2 200 OK\r\nContent-Length: 2\r\n\r\nok", 200},
        Case{"HTTP/1.1 600 Odd\r\nContent-Length: 2\r\n\r\nok", 600},
        Case{"HTTP/1.1 999 Odd\r\nContent-Length: 2\r\n\r\nok", 999}}) {
    CAPTURE(c.response);
    RawUpstream upstream(test::serve(c.response));
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    for (int i = 0; i < 2; ++i) {
      const Message response = client.round_trip(test::get("/"));
      CHECK(response.status() == c.status);
      CHECK(response.body == "ok");
      CHECK(response.value("content-length") == "2");
      CHECK(response.version() == "HTTP/1.1");
    }
    CHECK(upstream.connections() == 1);
  }
}

TEST_CASE("a 426 says what is required; what other responses offer stays here") {
  RawUpstream upstream(test::serve([](const Message& request) {
    return test::message((request.target() == "/required" ? "426 Upgrade Required" : "200 OK"),
                         {{"Connection", "Upgrade"}, {"Upgrade", "websocket, x/2"}},
                         "body");
  }));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  const Message required = client.round_trip(test::get("/required"));
  CHECK(required.value("upgrade") == "websocket, x/2");
  CHECK(required.value("connection") == "upgrade");
  CHECK(required.body == "body");
  const Message offered = client.round_trip(test::get("/"));
  CHECK_FALSE(offered.has("upgrade"));
  CHECK_FALSE(offered.has("connection"));
  const Message last = client.round_trip(test::get("/required", {{"Connection", "close"}}));
  CHECK(last.value("upgrade") == "websocket, x/2");
  CHECK(last.value("connection") == "close, upgrade");
}
