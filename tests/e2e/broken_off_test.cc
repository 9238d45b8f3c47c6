// Responses that break off: what had come reaches the client, then the end shows that more was
// meant.
#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Endpoint;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

// How a response says where it ends, on its way down.
struct Shape {
  const char* what;
  std::string head;  // the upstream's, without its first line
  bool is_chunked = false;
  const char* version = "1.1";  // the client's
};

const Shape shapes[] = {
    {"length", "Content-Length: 1000100\r\n"},
    {"chunked", "Transfer-Encoding: chunked\r\n", true},
    {"chunked, to an old client", "Transfer-Encoding: chunked\r\n", true, "1.0"},
    {"length, to an old client", "Content-Length: 1000100\r\n", false, "1.0"},
};

std::string request(const Shape& shape) {
  return std::string("GET / HTTP/") + shape.version + "\r\nHost: p\r\n\r\n";
}

// Whole chunks, or just bytes.
std::string coded(const Shape& shape, std::string_view body) {
  if (!shape.is_chunked) return std::string(body);
  std::string text;
  for (; !body.empty(); body.remove_prefix(std::min<size_t>(body.size(), 10'000)))
    text += test::chunk(body.substr(0, 10'000));
  return text;
}

// All of the body there is; `torn` tells whether the end was anything but the body's own.
std::string read_all(RawClient& client, Message& response, bool& torn) {
  std::string body;
  torn = false;
  try {
    while (true) {
      const std::string piece = client.read_body_some(response);
      if (piece.empty()) return body;
      body += piece;
    }
  } catch (const test::TimedOut&) {
    throw;
  } catch (const test::Failure&) {
    torn = true;
  }
  return body;
}

}  // namespace

TEST_CASE_TRANSPORTS("a client that reads late gets all that had come before the upstream ended") {
  const std::string body = test::pattern(1'000'012);
  for (const Shape& shape : shapes) {
    CAPTURE(shape.what);
    test::Signal ended;
    RawUpstream upstream(
        test::upstream_options(transports.upstream), [&](UpstreamConnection& connection) {
          if (!connection.read_request()) return;
          connection.send("HTTP/1.1 200 OK\r\n" + shape.head + "\r\n" + coded(shape, body));
          connection.drop();
          ended.set();
        });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(request(shape));
    // Nothing is read yet: the kernel and the proxy hold what they can, the upstream the rest.
    Message response = client.read_response_head();
    static_cast<void>(client.silent_for(std::chrono::milliseconds(20)));
    bool torn = false;
    CHECK((read_all(client, response, torn) == body));
    CHECK(torn);
    ended.wait();
  }
}

TEST_CASE_TRANSPORTS("a client that reads late gets all that had come before the upstream reset") {
  const std::string body = test::pattern(100'000);
  for (const Shape& shape : shapes) {
    CAPTURE(shape.what);
    test::Signal read;
    RawUpstream upstream(
        test::upstream_options(transports.upstream), [&](UpstreamConnection& connection) {
          if (!connection.read_request()) return;
          connection.send("HTTP/1.1 200 OK\r\n" + shape.head + "\r\n" + coded(shape, body));
          read.wait();
          connection.reset();
        });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    client.send(request(shape));
    Message response = client.read_response_head();
    std::string seen = client.read_body_until(response, body.substr(99'000));
    read.set();
    bool torn = false;
    seen += read_all(client, response, torn);
    CHECK((seen == body));
    CHECK(torn);
  }
}

TEST_CASE_TRANSPORTS(
    "a tunnel that the upstream resets delivers what had come, and is no clean end") {
  const std::string bytes = test::pattern(300'000);
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(
                             "HTTP/1.1 101 Switching Protocols\r\nConnection: "
                             "upgrade\r\nUpgrade: raw\r\n\r\n" +
                             bytes);
                         CHECK(connection.read_exactly(3) == "end");
                         connection.reset();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("GET / HTTP/1.1\r\nHost: p\r\nConnection: upgrade\r\nUpgrade: raw\r\n\r\n");
  CHECK(client.read_response_head().status() == 101);
  CHECK((client.read_exactly(bytes.size()) == bytes));
  client.send("end");
  CHECK_THROWS_AS(static_cast<void>(client.read_to_end()), test::Reset);
}

TEST_CASE("silence and a client's nonsense cut a response behind what had come") {
  const std::string body = test::pattern(400'000);
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 200 OK\r\nContent-Length: 400001\r\n\r\n" + body);
    connection.wait_gone();
  });
  const Proxy proxy(upstream, "upstreams: { openai: { timeouts: { silence: 300ms } } }");
  RawClient client = proxy.client();
  client.send(test::get("/"));
  Message response = client.read_response_head();
  bool torn = false;
  CHECK((read_all(client, response, torn) == body));
  CHECK(torn);
}
