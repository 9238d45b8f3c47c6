// The errors we make ourselves: each status has its cause, all have one shape.
#include <atomic>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

// What is refused, with what, and why.
struct Refusal {
  std::string what;
  int status;
  std::string request;
};

void check_refused(const Proxy& proxy, const Refusal& refusal) {
  CAPTURE(refusal.what);
  RawClient client = proxy.client();
  try {
    client.send(refusal.request);
  } catch (const test::Reset&) {
    // It may be cut before all was taken; the answer must be there all the same.
  }
  const Message response = client.read_response();
  CHECK(response.status() == refusal.status);
  CHECK(response.value("connection") == "close");
  CHECK(response.value("access-control-allow-origin") == "*");
  CHECK_FALSE(response.value("x-request-id").empty());
  const test::ApiError error = test::api_error(response);
  CHECK_FALSE(error.message.empty());
  CHECK(error.type == "invalid_request_error");
  CHECK_NOTHROW(client.wait_gone());
}

std::string head(const std::string& lines) {
  return "POST / HTTP/1.1\r\n" + lines + "\r\n";
}

}  // namespace

TEST_CASE("malformed and ambiguous requests are refused and never forwarded") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  const std::string host = "Host: p\r\n";
  const Refusal refusals[] = {
      {"not HTTP", 400, "hello there\r\n\r\n"},
      {"HTTP/0.9", 400, "GET /\r\n\r\n"},
      {"HTTP/1.2", 400, "GET / HTTP/1.2\r\nHost: p\r\n\r\n"},
      {"HTTP/2 preface", 505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"no Host", 400, head("")},
      {"two Hosts", 400, head("Host: a\r\nHost: b\r\n")},
      {"malformed Host", 400, head("Host: a b\r\n")},
      {"length and chunked",
       400,
       head(host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n"},
      {"chunked and length",
       400,
       head(host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") + "0\r\n\r\n"},
      {"two lengths", 400, head(host + "Content-Length: 5\r\nContent-Length: 6\r\n") + "hello"},
      {"a list of lengths", 400, head(host + "Content-Length: 5, 5\r\n") + "hello"},
      {"negative length", 400, head(host + "Content-Length: -5\r\n")},
      {"signed length", 400, head(host + "Content-Length: +5\r\n") + "hello"},
      {"hexadecimal length", 400, head(host + "Content-Length: 0x5\r\n") + "hello"},
      {"huge length", 400, head(host + "Content-Length: 99999999999999999999\r\n")},
      {"unknown coding", 400, head(host + "Transfer-Encoding: gzip\r\n")},
      {"coding behind chunked", 400, head(host + "Transfer-Encoding: chunked, gzip\r\n")},
      {"chunked twice", 400, head(host + "Transfer-Encoding: chunked, chunked\r\n")},
      {"xchunked", 400, head(host + "Transfer-Encoding: xchunked\r\n")},
      {"chunked on HTTP/1.0",
       400,
       "POST / HTTP/1.0\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
      {"space before the colon", 400, head(host + "X : 1\r\n")},
      {"space before the coding's colon", 400, head(host + "Transfer-Encoding : chunked\r\n")},
      {"folded field", 400, head(host + "X: a\r\n b\r\n")},
      {"bare LF in the head", 400, "GET / HTTP/1.1\nHost: p\n\n"},
      {"bare CR in a value", 400, head(host + "X: a\rb\r\n")},
      {"NUL in a value", 400, head(host + std::string("X: a\0b\r\n", 8))},
      {"control byte in a name", 400, head(host + "X\x01: a\r\n")},
      {"no field name", 400, head(host + ": a\r\n")},
      {"space in the target", 400, "GET /a b HTTP/1.1\r\nHost: p\r\n\r\n"},
      {"CONNECT", 400, "CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n\r\n"},
      {"relative target", 400, "GET v1/models HTTP/1.1\r\nHost: p\r\n\r\n"},
  };
  for (const Refusal& refusal : refusals)
    check_refused(proxy, refusal);
  CHECK(proxy.round_trip(test::get("/after")).body == "ok");
  CHECK(upstream.next_request().target() == "/after");
}

TEST_CASE("a malformed body never becomes whole for the upstream") {
  std::atomic<int> whole = 0;
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    auto request = connection.read_request_head();
    if (!request) return;
    try {
      connection.read_rest(*request);
      ++whole;
    } catch (const test::Failure&) {
      connection.close();
    }
  });
  const Proxy proxy(upstream);
  const std::string chunked = head("Host: p\r\nTransfer-Encoding: chunked\r\n");
  const Refusal refusals[] = {
      {"bad chunk size", 400, chunked + "zz\r\n"},
      {"huge chunk size", 400, chunked + "fffffffffffffffff\r\n"},
      {"bare LF after a chunk size", 400, chunked + "1\na\r\n0\r\n\r\n"},
      {"no CRLF after a chunk", 400, chunked + "1\r\naXX0\r\n\r\n"},
  };
  for (const Refusal& refusal : refusals)
    check_refused(proxy, refusal);
  CHECK(whole == 0);
}

TEST_CASE("what follows a refused request is never taken for a request") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send(
      "POST / HTTP/1.1\r\nHost: p\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n"
      "0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: p\r\n\r\n");
  CHECK(client.read_response().status() == 400);
  CHECK(client.read_to_end().empty());
  CHECK(proxy.round_trip(test::get("/after")).body == "ok");
  CHECK(upstream.next_request().target() == "/after");
}

TEST_CASE("heads: 64 KiB pass by default; beyond the limits 431, 414") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  const std::string large(64 * 1024, 'x');
  CHECK(proxy.round_trip(test::get("/", {{"X-Large", large}})).status() == 200);
  CHECK(upstream.next_request().value("x-large") == large);

  check_refused(
      proxy, {"a field over the limit", 431, test::get("/", {{"X", std::string(200'000, 'x')}})});
  check_refused(proxy,
                {"a target over the limit", 414, test::get("/" + std::string(200'000, 'x'))});
  test::Fields many;
  for (int i = 0; i < 201; ++i)
    many.emplace_back("X-" + std::to_string(i), "");
  check_refused(proxy, {"too many fields", 431, test::get("/", many)});

  const Proxy small(upstream, "limits: { head_bytes_max: 4KiB, fields_max: 10 }");
  check_refused(small,
                {"a configured limit", 431, test::get("/", {{"X", std::string(5000, 'x')}})});
  test::Fields eleven(11, {"X", "1"});
  check_refused(small, {"a configured count", 431, test::get("/", eleven)});
  CHECK(upstream.requests() == 1);
}

TEST_CASE("bodies over limits.body_bytes_max: 413, and the reply arrives") {
  RawUpstream upstream([](test::UpstreamConnection& connection) {
    auto request = connection.read_request_head();
    if (!request) return;
    try {
      connection.read_rest(*request);
      connection.send(ok);
    } catch (const test::Failure&) {
      connection.close();  // what was refused half-way
    }
  });
  const Proxy proxy(upstream, "limits: { body_bytes_max: 100KiB }");
  CHECK(proxy.round_trip(test::post("/", std::string(100 * 1024, 'x'))).status() == 200);
  check_refused(proxy, {"a length", 413, test::post("/", std::string(3'000'000, 'x'))});
  std::string chunked = head("Host: p\r\nTransfer-Encoding: chunked\r\n");
  for (int i = 0; i < 40; ++i)
    chunked += test::chunk(std::string(10'000, 'x'));
  check_refused(proxy, {"chunks", 413, chunked + std::string(test::last_chunk)});
  // With an expectation the client need not send a byte of it.
  check_refused(proxy,
                {"an announced length",
                 413,
                 head("Host: p\r\nExpect: 100-continue\r\nContent-Length: 3000000\r\n")});
}

TEST_CASE("a head that does not arrive in time: 408") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "timeouts: { request_head: 300ms }");
  RawClient client = proxy.client();
  client.send("GET / HTTP/1.1\r\nHost: p\r\n");
  const Message response = client.read_response();
  CHECK(response.status() == 408);
  CHECK(test::api_error(response).type == "invalid_request_error");
  CHECK(client.read_to_end().empty());
  // One that never begins needs no answer.
  CHECK(proxy.client().read_to_end().empty());
}

TEST_CASE("a body that stops arriving: 408") {
  RawUpstream upstream([](test::UpstreamConnection& connection) {
    if (connection.read_request_head()) connection.wait_gone();
  });
  const Proxy proxy(upstream, "timeouts: { request_body_silence: 300ms }");
  RawClient client = proxy.client();
  client.send(head("Host: p\r\nContent-Length: 10\r\n") + "half");
  const Message response = client.read_response();
  CHECK(response.status() == 408);
  CHECK(client.read_to_end().empty());
}

TEST_CASE("a slow body that goes on arriving is no body that stops") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "timeouts: { request_body_silence: 2s, request_body_rate_min: 2 }");
  RawClient client = proxy.client();
  client.send(head("Host: p\r\nContent-Length: 8\r\n"));
  for (int i = 0; i < 7; ++i) {
    client.send("x");
    CHECK(client.silent_for(std::chrono::milliseconds(400)));
  }
  client.send("x");
  CHECK(client.read_response().status() == 200);
}

TEST_CASE("no route: 404") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "routes: [ { path: /v1, upstream: openai } ]");
  const Message response = proxy.round_trip(test::get("/v2"));
  CHECK(response.status() == 404);
  CHECK_FALSE(test::api_error(response).message.empty());
  CHECK(proxy.round_trip(test::get("/v1")).status() == 200);
}

TEST_CASE("request ids of ours are unique") {
  test::ListeningSocket gone;
  const std::string url = "http://127.0.0.1:" + std::to_string(gone.port());
  gone.close();
  const Proxy proxy(url, "");
  CHECK(proxy.round_trip(test::get("/")).value("x-request-id") !=
        proxy.round_trip(test::get("/")).value("x-request-id"));
}

TEST_CASE("the error of a HEAD request has no body") {
  test::ListeningSocket gone;
  const std::string url = "http://127.0.0.1:" + std::to_string(gone.port());
  gone.close();
  const Proxy proxy(url, "");
  RawClient client = proxy.client();
  const std::string request = "HEAD / HTTP/1.1\r\nHost: p\r\n\r\n";
  CHECK(client.round_trip(request).status() == 502);
  CHECK(client.round_trip(request).status() / 100 == 5);
}

TEST_CASE("an answer of the proxy's own keeps the connection where the body is there already") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "routes: [ { path: /v1, upstream: openai } ]");
  RawClient client = proxy.client();
  for (const size_t size : {1U, 10U, 30'000U}) {
    const Message response = client.round_trip(test::post("/v2", std::string(size, 'x')));
    CHECK(response.status() == 404);
    CHECK(!response.has("connection"));
  }
  // What is pipelined behind it is served, too.
  client.send(test::post("/v2", "body") + test::post("/v1", "body") + test::get("/v2"));
  CHECK(client.read_response().status() == 404);
  CHECK(client.read_response().body == "ok");
  CHECK(client.read_response().status() == 404);
  // One that is still to come is not waited for.
  client.send("POST /v2 HTTP/1.1\r\nHost: p\r\nContent-Length: 10\r\n\r\nhalf");
  const Message response = client.read_response();
  CHECK(response.status() == 404);
  CHECK(response.value("connection") == "close");
  CHECK(client.read_to_end().empty());
}
