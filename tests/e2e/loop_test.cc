// An upstream that is the proxy itself, at once or by way of others.
#include <atomic>

#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Program;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

std::string local(uint16_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

// Sends on what comes, as a front server would.
std::string relay(const Message& request, uint16_t port) {
  RawClient client = test::client_of(port);
  const Message answer = client.round_trip(test::message(request.start_line, request.fields, {}));
  test::Fields fields;
  for (const auto& [name, value] : answer.fields) {
    if (name != "Content-Length" && name != "Connection") fields.emplace_back(name, value);
  }
  return test::message(std::to_string(answer.status()) + " X", fields, answer.body);
}

}  // namespace

TEST_CASE("a proxy that is its own upstream says so at once, and serves others") {
  const test::TemporaryFolder folder;
  RawUpstream other(test::serve(test::message("200 OK", {}, "ok")));
  for (const std::string listen : {"127.0.0.1", "0.0.0.0"}) {
    CAPTURE(listen);
    const uint16_t port = test::ListeningSocket().port();
    const std::string file = folder / (listen + ".yaml");
    test::write_file(
        file,
        "listen: '" + listen + ":" + std::to_string(port) +
            "'\nworkers: 2\nadmin: {listen: 'off'}\nupstreams: {openai: {url: 'http://" +
            local(port) + "'}, other: {url: '" + other.url() +
            "'}}\nroutes: [{path: /, upstream: openai}, {path: /o, upstream: other}]\n");
    {
      Program check(folder, {"--config", file, "--check"});
      CHECK(check.wait() == 2);
      CHECK(check.error().find("upstreams.openai.url") != std::string::npos);
    }
    Program program(folder, {"--config", file});
    program.wait_for_error("listening on");
    CHECK(program.error().find("is this proxy itself") != std::string::npos);
    for (int i = 0; i < 3; ++i) {
      RawClient client = test::client_of(port);
      const Message response = client.round_trip(test::post("/v1/x", "{}"));
      CHECK(response.status() == 508);
      CHECK(test::api_error(response).code == "loop_detected");
      CHECK(response.value("x-should-retry") == "false");
      CHECK(client.round_trip(test::get("/o")).body == "ok");
    }
  }
}

TEST_CASE("a redirect to the proxy is not followed in a circle") {
  std::atomic<uint16_t> port = 0;
  RawUpstream upstream(test::serve([&](const Message&) {
    return test::message("307 M", {{"Location", "http://" + local(port) + "/again"}});
  }));
  const Proxy proxy(upstream);
  port = proxy.port();
  const Message response = proxy.round_trip(test::post("/", "{}"));
  CHECK(response.status() == 508);
  CHECK(upstream.requests() == 1);
}

TEST_CASE("a unix socket of one's own") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  const Proxy proxy("http://192.0.2.1",
                    "listen: ['127.0.0.1:0', 'unix:" + path + "']\nupstreams: {a: {url: 'unix:" +
                        folder.path() + "/./a.sock'}}\nroutes: [{path: /, upstream: a}]\n");
  CHECK(proxy.round_trip(test::get("/")).status() == 508);
}

TEST_CASE("a circle by way of another server ends after a bounded number of rounds") {
  std::atomic<uint16_t> port = 0;
  RawUpstream front(test::serve([&](const Message& request) { return relay(request, port); }));
  const Proxy proxy(front);
  port = proxy.port();
  const Message response = proxy.round_trip(test::get("/v1/x"));
  CHECK(response.status() == 508);
  CHECK(front.requests() <= 33);
}

TEST_CASE("a circle of two proxies is told by either, a row of them serves") {
  const test::TemporaryFolder folder;
  std::atomic<uint16_t> back = 0;
  constexpr unsigned many = 40;
  test::Signal all_there;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    while (const auto request = connection.read_request()) {
      if (request->target() == "/circle") {
        connection.send(relay(*request, back));
      } else {
        all_there.wait();
        connection.send(test::message("200 OK", {}, "ok"));
      }
    }
  });
  const Proxy second(upstream);
  Program first(folder,
                {"--listen", "127.0.0.1:0", "--upstream", "http://" + local(second.port())});
  first.wait_for_error("listening on");
  back = first.port();

  std::vector<RawClient> clients;
  for (unsigned i = 0; i < many; ++i) {
    clients.push_back(test::client_of(first.port()));
    clients.back().send(test::get("/"));
  }
  test::eventually("all are there", [&] { return upstream.requests() == many; });
  all_there.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().body == "ok");
  for (unsigned i = 0; i < many; ++i)
    static_cast<void>(upstream.next_request());
  RawClient client = test::client_of(first.port());
  CHECK(client.round_trip(test::get("/circle")).status() == 508);
  CHECK(client.round_trip(test::get("/")).body == "ok");
}

TEST_CASE("no mark goes to an upstream that answers, nor one that a client brings") {
  RawUpstream upstream(test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  for (int i = 0; i < 50; ++i) {
    CHECK(client.round_trip(test::get("/", {{"X-Proxy-Loop", "0123456789abcdef"}})).body == "ok");
    CHECK_FALSE(upstream.next_request().has("x-proxy-loop"));
  }
}
