// A new configuration under load: nothing running is hurt, everything new follows it.
#include <atomic>
#include <chrono>
#include <thread>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

RawUpstream::Script named(std::string name) {
  return test::serve(test::message("200 OK", {}, name));
}

bool has_cors(RawClient& client) {
  return client.round_trip(test::get("/")).has("access-control-allow-origin");
}

// Until a reload that turned CORS off is in effect.
void await_cors_gone(RawClient& client) {
  test::eventually("no CORS any more", [&] { return !has_cors(client); });
}
void await_cors_gone(const Proxy& proxy) {
  RawClient client = proxy.client();
  await_cors_gone(client);
}

}  // namespace

TEST_CASE_TRANSPORTS("new requests follow the new configuration, also on an old connection") {
  RawUpstream first(test::upstream_options(transports.upstream), named("first"));
  RawUpstream second(test::upstream_options(transports.upstream), named("second"));
  Proxy proxy(first);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).body == "first");
  proxy.reload(second.url());
  test::eventually("the new upstream",
                   [&] { return client.round_trip(test::get("/")).body == "second"; });
  CHECK(client.round_trip(test::get("/")).body == "second");
  // The old upstream's idle connections are given up.
  test::eventually("the old pool is empty", [&] { return first.open_connections() == 0; });
}

TEST_CASE_TRANSPORTS("a running stream ends on the old configuration") {
  test::Signal go_on;
  RawUpstream first(test::upstream_options(transports.upstream),
                    [&](UpstreamConnection& connection) {
                      while (connection.read_request()) {
                        connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                                        test::chunk("begin"));
                        go_on.wait();
                        connection.send(test::chunk("-end") + std::string(test::last_chunk));
                      }
                    });
  RawUpstream second(test::upstream_options(transports.upstream), named("second"));
  Proxy proxy(first);
  RawClient streaming = proxy.client();
  streaming.send(test::get("/"));
  Message response = streaming.read_response_head();
  CHECK(streaming.read_body_until(response, "begin") == "begin");
  proxy.reload(second.url());
  test::eventually("the new upstream",
                   [&] { return proxy.round_trip(test::get("/")).body == "second"; });
  go_on.set();
  streaming.read_rest(response);
  CHECK(response.body == "-end");
  test::eventually("the old pool is empty", [&] { return first.open_connections() == 0; });
  CHECK(streaming.round_trip(test::get("/")).body == "second");
}

TEST_CASE_TRANSPORTS("a hundred reloads under load lose no request") {
  RawUpstream first(test::upstream_options(transports.upstream), named("ok"));
  RawUpstream second(test::upstream_options(transports.upstream), named("ok"));
  Proxy proxy(first, "workers: 2");
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      try {
        RawClient client = proxy.client();
        while (!stop) {
          const Message response =
              client.round_trip(i % 2 == 0 ? test::get("/") : test::post("/", "body"));
          response.status() == 200 ? ++answered : ++wrong;
        }
      } catch (const std::exception& failure) {
        MESSAGE(failure.what());
        ++wrong;
      }
    });
  }
  for (int i = 0; i < 100; ++i) {
    proxy.reload(i % 2 == 0 ? second.url() : first.url(), "workers: 2");
    const int before = answered;
    test::eventually("requests go on", [&] { return answered > before + 4 || wrong > 0; });
  }
  stop = true;
  for (std::thread& thread : threads)
    thread.join();
  CHECK(wrong == 0);
  CHECK(answered > 400);
}

TEST_CASE("where redirects led is given up too, while streams of the old configuration run on") {
  test::Signal go_on;
  RawUpstream target(named("ok"));
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request()) {
      if (request->target() == "/redirect") {
        connection.send(test::message("302 Found", {{"Location", target.url() + "/"}}));
        continue;
      }
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      test::chunk("begin"));
      go_on.wait();
      connection.send(test::chunk("-end") + std::string(test::last_chunk));
    }
  });
  Proxy proxy(upstream);
  RawClient streaming = proxy.client();
  streaming.send(test::get("/"));
  Message response = streaming.read_response_head();
  CHECK(streaming.read_body_until(response, "begin") == "begin");
  CHECK(proxy.round_trip(test::get("/redirect")).body == "ok");
  CHECK(target.open_connections() == 1);
  proxy.reload(upstream.url());
  test::eventually("its connection is closed", [&] { return target.open_connections() == 0; });
  go_on.set();
  streaming.read_rest(response);
  CHECK(response.body == "-end");
}

TEST_CASE("who waits for a connection of the old configuration still gets one") {
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (connection.read_request()) {
      go_on.wait();
      connection.send(test::message("200 OK", {}, "ok"));
    }
  });
  Proxy proxy(upstream, "upstreams: { openai: { pool: { connections_max: 1 } } }");
  std::vector<RawClient> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(proxy.client());
    clients.back().send(test::get("/"));
  }
  test::eventually("one request up", [&] { return upstream.requests() == 1; });
  proxy.reload(upstream.url());
  go_on.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().body == "ok");
}

TEST_CASE("policies are reloaded too") {
  RawUpstream upstream(named("ok"));
  Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).value("access-control-allow-origin") == "*");
  proxy.reload(upstream.url(), "cors: { enabled: false }");
  test::eventually("no CORS any more", [&] {
    return !proxy.round_trip(test::get("/")).has("access-control-allow-origin");
  });
}

TEST_CASE_TRANSPORTS("limits of heads hold from the next request on, also on an old connection") {
  RawUpstream upstream(test::upstream_options(transports.upstream), named("ok"));
  const std::string fields_few = "limits: { fields_max: 10 }";
  const std::string bytes_few = "limits: { head_bytes_max: 1KiB }";
  const std::string url_short = "limits: { url_bytes_max: 256 }";
  test::Fields many = {{"X-Field", "value"}};
  many.resize(20, many.front());
  struct Case {
    std::string small;
    std::string request;
    int refusal;
  };
  const std::vector<Case> cases = {
      {fields_few, test::get("/", many), 431},
      {bytes_few, test::get("/", {{"X-Long", std::string(2000, 'x')}}), 431},
      {url_short, test::get("/" + std::string(400, 'x')), 414}};
  for (const Case& limit : cases) {
    CAPTURE(limit.small);
    Proxy proxy(upstream, limit.small);
    RawClient client = proxy.client();
    CHECK(client.round_trip(test::get("/")).status() == 200);
    proxy.reload(upstream.url(), "cors: { enabled: false }");
    await_cors_gone(client);
    CHECK(client.round_trip(limit.request).status() == 200);
    proxy.reload(upstream.url(), limit.small);
    test::eventually("CORS again", [&] { return has_cors(client); });
    CHECK(client.round_trip(limit.request).status() == limit.refusal);
  }
}

TEST_CASE("how long a connection lasts follows a reload from the next request on") {
  RawUpstream upstream(named("ok"));
  Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(!client.round_trip(test::get("/")).has("connection"));
  proxy.reload(upstream.url(), "limits: { requests_per_connection_max: 1 }");
  test::eventually("the new limit",
                   [&] { return proxy.round_trip(test::get("/")).has("connection"); });
  CHECK(client.round_trip(test::get("/")).value("connection") == "close");

  RawClient another = proxy.client();
  proxy.reload(upstream.url(), "timeouts: { keep_alive: 50ms }\ncors: { enabled: false }");
  await_cors_gone(proxy);
  CHECK(another.round_trip(test::get("/")).status() == 200);
  CHECK(another.read_to_end().empty());
}

TEST_CASE("the patience with a running upload is that of the old configuration") {
  test::Signal half_came;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request_head()) {
      if (request->method() == "POST") {
        static_cast<void>(connection.read_body_until(*request, "half"));
        half_came.set();
      }
      connection.read_rest(*request);
      connection.send(test::message("200 OK", {}, "ok"));
    }
  });
  Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST / HTTP/1.1\r\nHost: proxy.test\r\nContent-Length: 9\r\n\r\nhalf");
  half_came.wait();
  proxy.reload(upstream.url(),
               "timeouts: { request_body_silence: 50ms }\ncors: { enabled: false }");
  await_cors_gone(proxy);
  client.send("-");
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  client.send("rest");
  const Message response = client.read_response();
  CHECK(response.status() == 200);
  // And its policies.
  CHECK(response.has("access-control-allow-origin"));
}

TEST_CASE("a reload that cannot be is refused and changes nothing") {
  RawUpstream upstream(test::upstream_options(test::Transport::tls), named("ok"));
  Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
  CHECK_THROWS_AS(
      proxy.reload(upstream.url(), "upstreams: { openai: { tls: { ca_file: /no/such/file } } }"),
      test::Failure);
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
}
