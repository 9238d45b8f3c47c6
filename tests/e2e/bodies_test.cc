// Every way a body can be framed, up and down.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Ending;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

}  // namespace

TEST_CASE_TRANSPORTS("a request body with a length") {
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (const size_t size : {0U, 1U, 65535U, 65536U, 65537U, 1'000'000U}) {
    CAPTURE(size);
    const std::string body = test::pattern(size);
    CHECK(client.round_trip(test::post("/", body)).status() == 200);
    const Message seen = upstream.next_request();
    CHECK(seen.ending == Ending::length);
    CHECK(seen.body.size() == size);
    CHECK(seen.body == body);
  }
}

TEST_CASE_TRANSPORTS("a chunked request body with trailers") {
  RawUpstream upstream(test::upstream_options(transports.upstream), test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  const std::string big = test::pattern(200'000);
  client.send(
      "POST /u HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n");
  client.send("1;ext=\"v\"\r\na\r\n" + test::chunk("bcd") + test::chunk(big));
  client.send("0\r\nX-Sum: 42\r\nX-More: y\r\n\r\n");
  CHECK(client.read_response().status() == 200);
  const Message seen = upstream.next_request();
  CHECK(seen.ending == Ending::chunked);
  CHECK_FALSE(seen.has("content-length"));
  CHECK(seen.body == "abcd" + big);
  CHECK(seen.trailers == test::Fields{{"X-Sum", "42"}, {"X-More", "y"}});
  CHECK(client.round_trip(test::get("/again")).status() == 200);
}

TEST_CASE("a request that comes byte by byte") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  const std::string request = "POST /u HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n" +
                              test::chunk("hello") + std::string(test::last_chunk);
  for (const char byte : request)
    client.send({&byte, 1});
  CHECK(client.read_response().body == "ok");
  CHECK(upstream.next_request().body == "hello");
}

TEST_CASE("a request body streams: the upstream has its first part before the client sends more") {
  test::Signal got_first;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    Message request = connection.read_request_head().value();
    CHECK(connection.read_body_until(request, "first") == "first");
    got_first.set();
    CHECK(connection.read_body_until(request, "last") == "last");
    connection.read_rest(request);
    connection.send(ok);
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST /u HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n");
  client.send(test::chunk("first"));
  got_first.wait();
  client.send(test::chunk("last") + std::string(test::last_chunk));
  CHECK(client.read_response().body == "ok");
}

TEST_CASE("the response may begin before the request has ended") {
  RawUpstream upstream([&](UpstreamConnection& connection) {
    Message request = connection.read_request_head().value();
    connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (std::string piece = connection.read_body_some(request); !piece.empty();
         piece = connection.read_body_some(request)) {
      connection.send(test::chunk(piece));
    }
    connection.send(test::last_chunk);
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST /echo HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n");
  Message response = client.read_response_head();
  for (const std::string word : {"one", "two", "three"}) {
    client.send(test::chunk(word));
    CHECK(client.read_body_until(response, word) == word);
  }
  client.send(test::last_chunk);
  client.read_rest(response);
  CHECK(response.body.empty());
}

TEST_CASE_TRANSPORTS("a response body with a length") {
  const std::string body = test::pattern(3'000'000);
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       test::serve(test::message("200 OK", {}, body)));
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.ending == Ending::length);
  CHECK(response.body.size() == body.size());
  CHECK(response.body == body);
}

TEST_CASE_TRANSPORTS("a chunked response body with trailers") {
  const std::string big = test::pattern(300'000);
  RawUpstream upstream(
      test::upstream_options(transports.upstream),
      test::serve("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
                  test::chunk("a") + test::chunk(big) + "0\r\nX-Sum: 42\r\n\r\n"));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 2; ++i) {
    const Message response = client.round_trip(test::get("/"));
    CHECK(response.ending == Ending::chunked);
    CHECK(response.body == "a" + big);
    CHECK(response.trailers == test::Fields{{"X-Sum", "42"}});
  }
}

TEST_CASE_TRANSPORTS("a response body that ends with the connection") {
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send("HTTP/1.1 200 OK\r\n\r\nto the end");
                         connection.close();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 2; ++i) {
    // An HTTP/1.1 client is told the end by chunks, and keeps its connection.
    const Message response = client.round_trip(test::get("/"));
    CHECK(response.ending == Ending::chunked);
    CHECK(response.body == "to the end");
  }
}

TEST_CASE("an HTTP/1.0 response ends with the connection") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nold");
    connection.close();
  });
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.version() == "HTTP/1.1");
  CHECK(response.body == "old");
}

TEST_CASE_TRANSPORTS("responses that have no body whatever they say") {
  RawUpstream upstream(
      test::upstream_options(transports.upstream), test::serve([](const Message& request) {
        const std::string target = request.target();
        if (target == "/204") return std::string("HTTP/1.1 204 No Content\r\n\r\n");
        if (target == "/304") {
          return std::string("HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n");
        }
        if (target == "/head") return std::string("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n");
        if (target == "/head-chunked") {
          return std::string("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        }
        return ok;
      }));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  const auto head = [](const std::string& target) {
    return "HEAD " + target + " HTTP/1.1\r\nHost: p\r\n\r\n";
  };
  // One connection for all: a body where none may be would show in the next answer.
  CHECK(client.round_trip(test::get("/204")).status() == 204);
  CHECK(client.round_trip(test::get("/304")).status() == 304);
  const Message length = client.round_trip(head("/head"));
  CHECK(length.status() == 200);
  CHECK(length.value("content-length") == "99");
  CHECK(client.round_trip(head("/head-chunked")).status() == 200);
  CHECK(client.round_trip(test::get("/200")).body == "ok");
  CHECK(upstream.connections() == 1);
}

TEST_CASE("a 204 carries no framing fields") {
  RawUpstream upstream(test::serve("HTTP/1.1 204 No Content\r\n\r\n"));
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::get("/"));
  CHECK_FALSE(response.has("content-length"));
  CHECK_FALSE(response.has("transfer-encoding"));
}

TEST_CASE("an empty body of length 0 stays one") {
  RawUpstream upstream(test::serve(test::message("200 OK")));
  const Proxy proxy(upstream);
  const Message response = proxy.round_trip(test::get("/"));
  CHECK(response.value("content-length") == "0");
  CHECK(response.body.empty());
}

TEST_CASE("a GET with a body passes it on") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::message("GET / HTTP/1.1", {{"Host", "p"}}, "odd")).status() == 200);
  CHECK(upstream.next_request().body == "odd");
}

TEST_CASE("a POST without a body keeps saying so") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::post("/", "")).status() == 200);
  CHECK(upstream.next_request().value("content-length") == "0");
}

TEST_CASE_TRANSPORTS("64 MiB each way arrive intact") {
  const std::string piece = test::pattern(1 << 20);
  constexpr int pieces = 64;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request_head()) return;
                         bool intact = true;
                         for (int i = 0; i < pieces; ++i)
                           intact = intact && connection.read_exactly(piece.size()) == piece;
                         CHECK(intact);
                         connection.send("HTTP/1.1 200 OK\r\nContent-Length: " +
                                         std::to_string(pieces * piece.size()) + "\r\n\r\n");
                         for (int i = 0; i < pieces; ++i)
                           connection.send(piece);
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST / HTTP/1.1\r\nHost: p\r\nContent-Length: " +
              std::to_string(pieces * piece.size()) + "\r\n\r\n");
  for (int i = 0; i < pieces; ++i)
    client.send(piece);
  Message response = client.read_response_head();
  for (int i = 0; i < pieces; ++i)
    REQUIRE((client.read_exactly(piece.size()) == piece));
}
