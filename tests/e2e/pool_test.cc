// Connections to the upstream: reuse, stale ones, poison, bounds.
#include <map>
#include <mutex>
#include <thread>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

std::string numbered(const UpstreamConnection& connection) {
  return test::message("200 OK", {{"X-Connection", std::to_string(connection.index())}}, "ok");
}

// Answers with its connection's number, for ever.
void serve_numbered(UpstreamConnection& connection) {
  while (connection.read_request())
    connection.send(numbered(connection));
}

// The same, but nothing before `go_on` is set.
RawUpstream::Script serve_numbered_after(test::Signal& go_on) {
  return [&go_on](UpstreamConnection& connection) {
    while (connection.read_request()) {
      go_on.wait();
      connection.send(numbered(connection));
    }
  };
}

// How many requests are being served now, as /metrics has it, which asking for it is one of.
int exchanges(const Proxy& proxy) {
  const auto address = const_cast<Proxy&>(proxy).server().admin_listening();
  REQUIRE(address.has_value());
  const std::string metrics = test::client_of(address->port).round_trip(test::get("/metrics")).body;
  const std::string begin = "\nopenai_proxy_exchanges ";
  const size_t at = metrics.find(begin) + begin.size();
  return std::stoi(metrics.substr(at)) - 1;
}

}  // namespace

TEST_CASE_TRANSPORTS("clients share connections; the one used last is used next") {
  test::Signal both_there;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         while (auto request = connection.read_request()) {
                           if (request->target() == "/together") both_there.wait();
                           connection.send(numbered(connection));
                         }
                       });
  const Proxy proxy(upstream);
  RawClient first = proxy.client();
  RawClient second = proxy.client();
  first.send(test::get("/together"));
  second.send(test::get("/together"));
  test::eventually("two requests up", [&] { return upstream.requests() == 2; });
  both_there.set();
  const std::string earlier = first.read_response().value("x-connection");
  const std::string later = second.read_response().value("x-connection");
  CHECK(earlier != later);
  // Now both are idle, in an order only the proxy knows; one of them serves all that follow.
  const std::string last_used = proxy.round_trip(test::get("/")).value("x-connection");
  for (int i = 0; i < 5; ++i) {
    CHECK(proxy.round_trip(test::get("/")).value("x-connection") == last_used);
  }
  CHECK(upstream.connections() == 2);
}

TEST_CASE_TRANSPORTS("an idle connection that the upstream has closed is not used") {
  test::Signal closed;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         while (connection.read_request()) {
                           connection.send(numbered(connection));
                           if (connection.index() == 0) {
                             connection.close();
                             closed.set();
                             return;
                           }
                         }
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (const std::string method : {"GET", "POST"}) {
    const Message response =
        client.round_trip(test::message(method + " / HTTP/1.1", {{"Host", "p"}}, "x"));
    CHECK(response.status() == 200);
    closed.wait();
  }
  CHECK(upstream.requests() == 2);
}

TEST_CASE_TRANSPORTS("a request that met a dying connection is sent once more") {
  // The first connection dies with the second request in it, before any byte of an answer.
  for (const bool reset : {false, true}) {
    CAPTURE(reset);
    RawUpstream upstream(test::upstream_options(transports.upstream),
                         [&](UpstreamConnection& connection) {
                           if (connection.index() == 0) {
                             if (!connection.read_request()) return;
                             connection.send(numbered(connection));
                             if (!connection.read_request()) return;
                             reset ? connection.reset() : connection.close();
                             return;
                           }
                           serve_numbered(connection);
                         });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    CHECK(client.round_trip(test::get("/1")).value("x-connection") == "0");
    const Message second =
        client.round_trip(test::message("PUT /2 HTTP/1.1", {{"Host", "p"}}, "the body"));
    CHECK(second.status() == 200);
    CHECK(second.value("x-connection") == "1");
    CHECK(upstream.requests() == 3);
    for (const char* target : {"/1", "/2", "/2"}) {
      const Message seen = upstream.next_request();
      CHECK(seen.target() == target);
      if (seen.target() == "/2") CHECK(seen.body == "the body");
    }
  }
}

TEST_CASE_TRANSPORTS("idle connections that died together cost a request one more try, not all") {
  // As where something between forgets connections: each serves once and dies with the next.
  constexpr size_t idle = 4;
  test::Signal all_there;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         all_there.wait();
                         connection.send(numbered(connection));
                         if (!connection.read_request()) return;
                         connection.close();
                       });
  // Also where there is room for no more connections than are idle.
  const Proxy proxy(upstream, "upstreams: { openai: { pool: { connections_max: 4 } } }");
  std::vector<RawClient> clients;
  for (size_t i = 0; i < idle; ++i) {
    clients.push_back(proxy.client());
    clients.back().send(test::get("/"));
  }
  test::eventually("all are there", [&] { return upstream.requests() == idle; });
  all_there.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().status() == 200);
  for (int i = 0; i < 8; ++i)
    CHECK(clients.front().round_trip(test::get("/")).status() == 200);
}

TEST_CASE_TRANSPORTS("a request sent once more goes on where its client is") {
  // The connection dies with half of the body in it; the other half goes to the new one.
  test::Signal half_seen;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (connection.index() > 0) {
                           auto request = connection.read_request_head().value();
                           CHECK(connection.read_body_until(request, "half,") == "half,");
                           half_seen.set();
                           connection.read_rest(request);
                           CHECK(request.body == "rest.");
                           connection.send(numbered(connection));
                           connection.wait_gone();
                           return;
                         }
                         if (!connection.read_request()) return;
                         connection.send(numbered(connection));
                         auto request = connection.read_request_head().value();
                         CHECK(connection.read_body_until(request, "half,") == "half,");
                         connection.close();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/1")).value("x-connection") == "0");
  client.send("PUT /2 HTTP/1.1\r\nHost: p\r\nContent-Length: 10\r\n\r\nhalf,");
  half_seen.wait();
  client.send("rest.");
  CHECK(client.read_response().value("x-connection") == "1");
}

TEST_CASE("a request is sent once more, not twice") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    if (connection.index() == 0) {
      connection.send(numbered(connection));
      if (!connection.read_request()) return;
    }
    connection.reset();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/1")).status() == 200);
  CHECK(client.round_trip(test::get("/2")).status() == 502);
  CHECK(upstream.requests() == 3);
}

TEST_CASE("a fresh connection that dies is no reason to try again") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (connection.read_request()) connection.close();
  });
  const Proxy proxy(upstream);
  CHECK(proxy.round_trip(test::get("/")).status() == 502);
  CHECK(upstream.requests() == 1);
}

TEST_CASE("a request that got some byte of an answer is not sent again") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send(numbered(connection));
    if (!connection.read_request()) return;
    connection.send("HTTP/1.1 2");
    connection.close();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/1")).status() == 200);
  CHECK(client.round_trip(test::get("/2")).status() == 502);
  CHECK(upstream.requests() == 2);
}

TEST_CASE_TRANSPORTS("a POST that may have run is not sent again, a GET is") {
  // The upstream reads the second request whole, and ends the connection at once.
  for (const std::string method : {"GET", "POST", "PATCH"}) {
    for (const bool reset : {false, true}) {
      CAPTURE(method);
      CAPTURE(reset);
      RawUpstream upstream(test::upstream_options(transports.upstream),
                           [&](UpstreamConnection& connection) {
                             if (connection.index() > 0) return serve_numbered(connection);
                             if (!connection.read_request()) return;
                             connection.send(numbered(connection));
                             if (!connection.read_request()) return;
                             reset ? connection.reset() : connection.close();
                           });
      const Proxy proxy(upstream);
      RawClient client = proxy.client();
      CHECK(client.round_trip(test::get("/1")).status() == 200);
      const Message answer =
          client.round_trip(test::message(method + " /2 HTTP/1.1", {{"Host", "p"}}, "x"));
      CHECK(upstream.requests() == (method == "GET" ? 3 : 2));
      CHECK(answer.status() == (method == "GET" ? 200 : 502));
      if (method == "GET") continue;
      // SDKs obey these two; left to themselves they do what their user told them.
      CHECK_FALSE(answer.has("retry-after"));
      CHECK_FALSE(answer.has("x-should-retry"));
      CHECK(test::api_error(answer).message.find("may have run") != std::string::npos);
    }
  }
}

TEST_CASE("a POST that may run twice is sent again where its client or its route says so") {
  for (const bool route_says_so : {false, true}) {
    CAPTURE(route_says_so);
    RawUpstream upstream([](UpstreamConnection& connection) {
      if (connection.index() > 0) return serve_numbered(connection);
      if (!connection.read_request()) return;
      connection.send(numbered(connection));
      if (connection.read_request()) connection.close();
    });
    const Proxy proxy(
        upstream,
        route_says_so ? "routes: [{ path: /, upstream: openai, retry_posts: true }]" : "");
    RawClient client = proxy.client();
    CHECK(client.round_trip(test::get("/1")).status() == 200);
    test::Fields fields;
    if (!route_says_so) fields.emplace_back("Idempotency-Key", "one");
    CHECK(client.round_trip(test::post("/2", "x", fields)).status() == 200);
    CHECK(upstream.requests() == 3);
  }
}

TEST_CASE_TRANSPORTS("POSTs that race with the end of idle connections never run twice") {
  // Each connection serves one POST, waits a moment and ends, so that the next POST meets it alive,
  // dying or dead.
  constexpr int posts = 300;
  std::mutex mutex;
  std::map<std::string, int> runs;
  RawUpstream upstream(
      test::upstream_options(transports.upstream), [&](UpstreamConnection& connection) {
        for (unsigned served = 0;; ++served) {
          const auto request = connection.read_request();
          if (!request) return;
          {
            const std::lock_guard lock(mutex);
            ++runs[request->target()];
          }
          // The second one of every other connection ends it unanswered.
          if (served == 1 && connection.index() % 2 == 0) {
            connection.index() % 4 == 0 ? connection.reset() : connection.close();
            return;
          }
          connection.send(numbered(connection));
          std::this_thread::sleep_for(std::chrono::microseconds(connection.index() * 37 % 400));
          if (served == 1) {
            connection.index() % 3 == 0 ? connection.reset() : connection.close();
            return;
          }
        }
      });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  int answered = 0;
  for (int i = 0; i < posts; ++i) {
    const int status = client.round_trip(test::post("/" + std::to_string(i), "body")).status();
    CHECK((status == 200 || status == 502));
    answered += status == 200 ? 1 : 0;
  }
  CHECK(answered > posts / 4);
  const std::lock_guard lock(mutex);
  for (const auto& each : runs) {
    CAPTURE(each.first);
    CHECK(each.second == 1);
  }
}

TEST_CASE("a body too large to be held is not sent again") {
  const std::string body = test::pattern(300'000);
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (auto request = connection.read_request_head()) {
      if (request->method() == "GET") {
        connection.send(numbered(connection));
        continue;
      }
      CHECK(connection.read_exactly(200'000) == body.substr(0, 200'000));
      connection.reset();
      return;
    }
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/1")).status() == 200);
  client.send(test::post("/2", body));
  CHECK(client.read_response().status() == 502);
  CHECK(upstream.requests() == 2);
}

TEST_CASE("an idle connection ends after pool.idle_timeout") {
  test::Signal ended;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    serve_numbered(connection);
    ended.set();
  });
  const Proxy proxy(upstream, "upstreams: { openai: { pool: { idle_timeout: 300ms } } }");
  CHECK(proxy.round_trip(test::get("/")).status() == 200);
  ended.wait();
  CHECK(proxy.round_trip(test::get("/")).value("x-connection") == "1");
}

TEST_CASE("no more connections than pool.idle_max are kept") {
  test::Signal all_there;
  RawUpstream upstream(serve_numbered_after(all_there));
  const Proxy proxy(upstream, "upstreams: { openai: { pool: { idle_max: 2 } } }");
  std::vector<RawClient> clients;
  for (int i = 0; i < 5; ++i) {
    clients.push_back(proxy.client());
    clients.back().send(test::get("/"));
  }
  test::eventually("five requests up", [&] { return upstream.requests() == 5; });
  CHECK(upstream.open_connections() == 5);
  all_there.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().status() == 200);
  test::eventually("two left", [&] { return upstream.open_connections() == 2; });
}

TEST_CASE_TRANSPORTS("Connection: close of the upstream is kept to, and not passed on") {
  RawUpstream upstream(
      test::upstream_options(transports.upstream), [](UpstreamConnection& connection) {
        if (!connection.read_request()) return;
        connection.send(test::message(
            "200 OK",
            {{"Connection", "close"}, {"X-Connection", std::to_string(connection.index())}},
            "ok"));
        connection.wait_gone();  // the proxy closes it, though we do not
      });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (const char* index : {"0", "1", "2"}) {
    const Message response = client.round_trip(test::get("/"));
    CHECK(response.value("x-connection") == index);
    CHECK_FALSE(response.has("connection"));
  }
}

TEST_CASE("an HTTP/1.0 upstream is not kept alive unless it says so") {
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    connection.send("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).body == "ok");
  CHECK(client.round_trip(test::get("/")).body == "ok");
  CHECK(upstream.connections() == 2);
}

TEST_CASE_TRANSPORTS("bytes behind a response reach nobody, and end the connection") {
  RawUpstream upstream(
      test::upstream_options(transports.upstream), [](UpstreamConnection& connection) {
        while (connection.read_request()) {
          const std::string poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
          connection.send(numbered(connection) + poison);
        }
      });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (const char* index : {"0", "1", "2"}) {
    const Message response = client.round_trip(test::get("/"));
    CHECK(response.body == "ok");
    CHECK(response.value("x-connection") == index);
  }
}

TEST_CASE_TRANSPORTS("bytes on an idle connection reach nobody, and end it") {
  test::Signal first_answered;
  test::Signal first_ended;
  RawUpstream upstream(test::upstream_options(transports.upstream),
                       [&](UpstreamConnection& connection) {
                         if (!connection.read_request()) return;
                         connection.send(numbered(connection));
                         if (connection.index() > 0) return;
                         first_answered.wait();
                         connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
                         connection.wait_gone();
                         first_ended.set();
                       });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).value("x-connection") == "0");
  first_answered.set();
  first_ended.wait();
  const Message second = client.round_trip(test::get("/"));
  CHECK(second.value("x-connection") == "1");
  CHECK(second.body == "ok");
}

TEST_CASE("a response before its request has ended does not leave the connection to others") {
  // The client's body stops half-way; the upstream has answered. Nobody else may be sent there.
  RawUpstream upstream([](UpstreamConnection& connection) {
    if (!connection.read_request_head()) return;
    connection.send(numbered(connection));
    connection.wait_gone();
  });
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  client.send("POST / HTTP/1.1\r\nHost: p\r\nContent-Length: 100\r\n\r\nhalf");
  CHECK(client.read_response().value("x-connection") == "0");
  CHECK(proxy.round_trip(test::get("/")).value("x-connection") == "1");
}

TEST_CASE("at pool.connections_max requests wait, in order") {
  test::Signal go_on;
  RawUpstream upstream(serve_numbered_after(go_on));
  const Proxy proxy(upstream, "upstreams: { openai: { pool: { connections_max: 2 } } }");
  std::vector<RawClient> clients;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(proxy.client());
    clients.back().send(test::get("/" + std::to_string(i)));
  }
  test::eventually("two requests up", [&] { return upstream.requests() == 2; });
  CHECK(clients[5].silent_for(std::chrono::milliseconds(100)));
  CHECK(upstream.requests() == 2);
  go_on.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().status() == 200);
  CHECK(upstream.connections() == 2);
}

TEST_CASE("the waiting room is bounded in number and in time") {
  test::Signal go_on;
  RawUpstream upstream(serve_numbered_after(go_on));
  const Proxy proxy(upstream,
                    "upstreams: { openai: { pool: "
                    "{ connections_max: 1, waiting_max: 1, waiting_timeout: 400ms } } }");
  RawClient served = proxy.client();
  served.send(test::get("/served"));
  test::eventually("one request up", [&] { return upstream.requests() == 1; });
  RawClient waiting = proxy.client();
  waiting.send(test::get("/waits"));
  RawClient refused = proxy.client();
  // Whichever of the two came second found the room full; the other waits until its time is up.
  refused.send(test::get("/refused"));
  for (RawClient* client : {&refused, &waiting}) {
    const Message response = client->read_response();
    CHECK(response.status() == 503);
    CHECK(response.has("retry-after"));
    CHECK_FALSE(test::api_error(response).message.empty());
  }
  go_on.set();
  CHECK(served.read_response().status() == 200);
  CHECK(upstream.requests() == 1);
}

TEST_CASE_TRANSPORTS("a burst is served as far as connections_max goes, whatever waiting_max is") {
  constexpr size_t burst = 100;
  test::Signal all_up;
  RawUpstream upstream(test::upstream_options(transports.upstream), serve_numbered_after(all_up));
  const Proxy proxy(upstream,
                    "upstreams: { openai: { pool: { connections_max: 100, waiting_max: 1 } } }");
  std::vector<RawClient> clients;
  for (size_t i = 0; i < burst; ++i)
    clients.push_back(proxy.client());
  for (RawClient& client : clients)
    client.send(test::get("/"));
  test::eventually("all requests up", [&] { return upstream.requests() == burst; });
  all_up.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().status() == 200);
}

TEST_CASE("a client that leaves the waiting room takes its request with it") {
  test::Signal go_on;
  RawUpstream upstream(serve_numbered_after(go_on));
  const Proxy proxy(upstream,
                    "upstreams: { openai: { pool: { connections_max: 1 } } }\n"
                    "admin: { listen: '127.0.0.1:0' }\n");
  RawClient served = proxy.client();
  served.send(test::get("/served"));
  test::eventually("one request up", [&] { return upstream.requests() == 1; });
  RawClient leaving = proxy.client();
  leaving.send(test::get("/leaves"));
  test::eventually("another waits", [&] { return exchanges(proxy) == 2; });
  leaving.reset();
  test::eventually("it has left", [&] { return exchanges(proxy) == 1; });
  RawClient staying = proxy.client();
  staying.send(test::get("/stays"));
  go_on.set();
  CHECK(served.read_response().status() == 200);
  CHECK(staying.read_response().status() == 200);
  CHECK(upstream.next_request().target() == "/served");
  CHECK(upstream.next_request().target() == "/stays");
  CHECK(upstream.requests() == 2);
}

TEST_CASE_TRANSPORTS("pool.warm connections are there before any request") {
  RawUpstream upstream(test::upstream_options(transports.upstream), serve_numbered);
  const Proxy proxy(upstream, "upstreams: { openai: { pool: { warm: 3 } } }");
  test::eventually("three connections", [&] { return upstream.connections() == 3; });
  CHECK(upstream.requests() == 0);
  CHECK(proxy.round_trip(test::get("/")).status() == 200);
  CHECK(upstream.connections() == 3);
}

TEST_CASE("TLS: a new connection resumes the session of an earlier one") {
  for (const auto versions : {test::TlsVersions::only_1_2, test::TlsVersions::only_1_3}) {
    CAPTURE(static_cast<int>(versions));
    auto options = test::upstream_options(test::Transport::tls);
    options.tls->versions = versions;
    RawUpstream upstream(options, [](UpstreamConnection& connection) {
      if (connection.read_request()) connection.send(numbered(connection));
      connection.close();
    });
    const Proxy proxy(upstream);
    RawClient client = proxy.client();
    for (int i = 0; i < 4; ++i)
      CHECK(client.round_trip(test::get("/")).status() == 200);
    CHECK(upstream.connections() == 4);
    CHECK(upstream.resumed_handshakes() == 3);
  }
}

TEST_CASE("TLS: one worker's session serves the others") {
  for (const auto versions : {test::TlsVersions::only_1_2, test::TlsVersions::only_1_3}) {
    CAPTURE(static_cast<int>(versions));
    auto options = test::upstream_options(test::Transport::tls);
    options.tls->versions = versions;
    RawUpstream upstream(options, [](UpstreamConnection& connection) {
      if (connection.read_request()) connection.send(numbered(connection));
      connection.close();
    });
    const Proxy proxy(upstream, "workers: 4");
    // The kernel spreads these over the workers.
    for (int i = 0; i < 24; ++i)
      CHECK(proxy.round_trip(test::get("/")).status() == 200);
    CHECK(upstream.connections() == 24);
    CHECK(upstream.resumed_handshakes() == 23);
  }
}
