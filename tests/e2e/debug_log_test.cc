// `log.level: debug`: where a request's connections came from and went, and never what is secret.
#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Program;
using test::RawClient;
using test::RawUpstream;
using test::UpstreamConnection;

namespace {

// The program in front of `url`, logging at `level`.
class Logging {
 public:
  explicit Logging(const std::string& url,
                   const std::string& level = "debug",
                   const std::string& pool = "")
      : program_(folder_, {"--config", write(url, level, pool)}) {}

  [[nodiscard]] RawClient client() const { return test::client_of(program_.port()); }
  [[nodiscard]] std::string log() const { return program_.error(); }
  // The lines have come in this order, others between them.
  void wait_for(const std::vector<std::string>& lines) const {
    for (const std::string& line : lines)
      program_.wait_for_error(line);
    const std::string all = log();
    size_t at = 0;
    for (const std::string& line : lines) {
      const size_t found = all.find(line, at);
      CHECK_MESSAGE(found != std::string::npos, "'" << line << "' is not in its place in\n" << all);
      if (found != std::string::npos) at = found + line.size();
    }
  }

 private:
  std::string write(const std::string& url, const std::string& level, const std::string& pool) {
    std::string file = folder_ / "proxy.yaml";
    test::write_file(file,
                     "listen: 127.0.0.1:0\nworkers: 1\nadmin: { listen: off }\n"
                     "log: { access: off, level: " +
                         level + " }\nupstreams: { openai: { url: '" + url +
                         "', tls: { ca_file: '" + test::trusted_file() + "' }, pool: {" + pool +
                         "} } }\n");
    return file;
  }

  test::TemporaryFolder folder_;
  Program program_;
};

const test::Fields secrets = {{"Authorization", "Bearer sk-hidden"}, {"X-Note", "header-hidden"}};

// Answers; the first connection dies with the second request in it.
void serve_with_a_death(UpstreamConnection& connection) {
  while (connection.read_request()) {
    connection.send(test::message("200 OK", {{"Set-Cookie", "cookie-hidden"}}, "body-hidden"));
    if (connection.index() == 0 && connection.read_request()) {
      connection.close();
      return;
    }
  }
}

void ask_twice(const Logging& proxy) {
  RawClient client = proxy.client();
  for (const char* target : {"/v1/models?key=query-hidden", "/v1/files?key=query-hidden"})
    CHECK(client.round_trip(test::get(target, secrets)).status() == 200);
}

}  // namespace

TEST_CASE("debug tells where connections come from, why they end, and why a request is repeated") {
  RawUpstream::Options options = test::upstream_options(test::Transport::tls);
  options.tls->versions = test::TlsVersions::only_1_3;
  RawUpstream upstream(options, serve_with_a_death);
  const std::string address = upstream.authority();
  const Logging proxy(upstream.url());
  ask_twice(proxy);
  proxy.wait_for({"client 127.0.0.1:",
                  ": connected",
                  "upstream openai: opens a connection; with it there are 1",
                  "upstream openai: a request waits for a connection; 1 wait",
                  "connecting to " + address,
                  "TLS with " + address + ": TLSv1.3, full handshake",
                  "upstream openai: connected to " + address,
                  ": request 2 over its connection",
                  "upstream openai: reuses the connection to " + address,
                  "upstream openai: GET /v1/files failed (closed) on a kept connection, before any "
                  "answer: it is sent once more",
                  "upstream openai: closes the connection to " + address + ": it cannot serve",
                  "upstream openai: a request waits for a new connection",
                  "TLS with " + address + ": TLSv1.3, session resumed",
                  ": connection closed after 2 requests"});
  CHECK(proxy.log().find("hidden") == std::string::npos);
}

TEST_CASE("debug tells why a request is not repeated") {
  RawUpstream upstream(serve_with_a_death);
  const Logging proxy(upstream.url());
  RawClient client = proxy.client();
  CHECK(client.round_trip(test::get("/")).status() == 200);
  CHECK(client.round_trip(test::post("/v1/chat?key=query-hidden", "body", secrets)).status() ==
        502);
  proxy.wait_for(
      {"upstream openai: POST /v1/chat failed (closed) and is not sent again: it may have run"});
  CHECK(proxy.log().find("hidden") == std::string::npos);
}

TEST_CASE("debug tells of names, of failed connections and of backing off") {
  uint16_t port = 0;
  {
    const test::ListeningSocket listening;
    port = listening.port();
  }
  const Logging proxy("http://localhost:" + std::to_string(port));
  RawClient client = proxy.client();
  for (int i = 0; i < 3; ++i)
    CHECK(client.round_trip(test::get("/")).status() == 502);
  proxy.wait_for({"name localhost: looked up",
                  "name localhost: is at ",
                  "connecting to 127.0.0.1:" + std::to_string(port) + " for localhost",
                  "connecting to 127.0.0.1:" + std::to_string(port) + " failed: connection refused",
                  "upstream openai: cannot connect: connection refused",
                  "upstream openai: backs off: no new connection for 100 ms, after 2 failures"});
}

TEST_CASE("debug tells who waits, and what became of idle connections") {
  test::Signal go_on;
  RawUpstream upstream([&](UpstreamConnection& connection) {
    if (!connection.read_request()) return;
    go_on.wait();
    connection.send(test::message("200 OK", {}, "ok"));
    if (!connection.read_request()) return;
    connection.send(test::message("200 OK", {}, "ok"));
    connection.close();
  });
  const Logging proxy(upstream.url(), "debug", "connections_max: 1, waiting_max: 1");
  std::vector<RawClient> clients;
  for (const char* then : {"; 1 wait, 1 connections are being opened", "; 1 wait, 0 connections"}) {
    clients.push_back(proxy.client());
    clients.back().send(test::get("/"));
    proxy.wait_for({then});
    test::eventually("the first is up", [&] { return upstream.requests() == 1; });
  }
  CHECK(proxy.client().round_trip(test::get("/")).status() == 503);
  proxy.wait_for({"a request is refused: 1 wait for a connection already"});
  go_on.set();
  for (RawClient& client : clients)
    CHECK(client.read_response().status() == 200);
  proxy.wait_for({"goes to who has waited longest; 0 wait",
                  "upstream openai: it has closed an idle connection"});
}

TEST_CASE("at info none of it is logged") {
  RawUpstream upstream(serve_with_a_death);
  const Logging proxy(upstream.url(), "info");
  ask_twice(proxy);
  const std::string log = proxy.log();
  for (const char* word : {" debug ", "connected to", "reuses", "once more"})
    CHECK(log.find(word) == std::string::npos);
}
