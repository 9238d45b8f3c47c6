// An upstream on a unix socket: requests, reuse, redirects, failures.
#include <doctest/doctest.h>

#include "support/program.h"
#include "support/proxy_fixture.h"

using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;

namespace {

RawUpstream::Options at(const std::string& path) {
  RawUpstream::Options options;
  options.host = "unix:" + path;
  return options;
}

std::string routed_to(const std::string& path, const std::string& more = "") {
  return "upstreams:\n  local: {url: 'unix:" + path + "'" + more +
         "}\nroutes: [{path: /, upstream: local}]\n";
}

constexpr const char* nowhere = "http://192.0.2.1";

}  // namespace

TEST_CASE("an upstream on a unix socket serves, is kept alive, and is called localhost") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  RawUpstream upstream(at(path), test::serve([](const Message& request) {
                         return test::message("200 OK", {}, "got " + request.body);
                       }));
  const Proxy proxy(nowhere, routed_to(path));
  for (int i = 0; i < 3; ++i)
    CHECK(proxy.round_trip(test::post("/v1/x?y", "body")).body == "got body");
  CHECK(upstream.connections() == 1);
  const Message seen = upstream.next_request();
  CHECK(seen.value("host") == "localhost");
  CHECK(seen.target() == "/v1/x?y");
}

TEST_CASE("`host` names an upstream on a unix socket") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  RawUpstream upstream(at(path), test::serve(test::message("200 OK", {}, "ok")));
  const Proxy proxy(nowhere, routed_to(path, ", host: model.internal"));
  CHECK(proxy.round_trip(test::get("/")).body == "ok");
  CHECK(upstream.next_request().value("host") == "model.internal");
}

TEST_CASE("redirects of an upstream on a unix socket lead to itself") {
  for (const char* location : {"/to", "to", "http://localhost/to"}) {
    CAPTURE(location);
    const test::TemporaryFolder folder;
    const std::string path = folder / "a.sock";
    RawUpstream upstream(at(path), test::serve([&](const Message& request) {
                           return request.target() == "/from"
                                      ? test::message("307 M", {{"Location", location}})
                                      : test::message("200 OK", {}, request.value("x-api-key"));
                         }));
    const Proxy proxy(nowhere, routed_to(path));
    CHECK(proxy.round_trip(test::get("/from", {{"X-Api-Key", "k"}})).body == "k");
    const Proxy passing(nowhere, routed_to(path) + "redirects: {follow: false}\n");
    const Message passed = passing.round_trip(test::get("/from"));
    CHECK(passed.status() == 307);
    CHECK(passed.value("location") == (location[0] == 't' ? "to" : "/to"));
  }
}

TEST_CASE("an upstream whose socket is not there is a 502, and the log names the path") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  test::Program program(
      folder, {"--listen", "127.0.0.1:0", "--upstream", "unix:" + path, "--log-level", "info"});
  program.wait_for_error("listening on");
  RawClient client = test::client_of(program.port());
  const Message response = client.round_trip(test::get("/"));
  CHECK(response.status() == 502);
  CHECK(test::api_error(response).code == "upstream_unreachable");
  program.wait_for_error("unix:" + path + "): cannot connect: no such file");
  // It may come later.
  RawUpstream upstream(at(path), test::serve(test::message("200 OK", {}, "ok")));
  CHECK(client.round_trip(test::get("/")).body == "ok");
}

TEST_CASE("--upstream says what is wrong with a socket") {
  const test::TemporaryFolder folder;
  test::Program relative(folder, {"--upstream", "unix:a.sock"});
  CHECK(relative.wait() == 2);
  CHECK(relative.error().find("begins with one slash") != std::string::npos);
}
