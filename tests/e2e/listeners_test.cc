// Where the proxy listens: IPv4, IPv6, unix sockets, several at once, several workers.
#include <sys/stat.h>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Proxy;
using test::RawClient;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

RawClient over_tcp(const std::string& host, uint16_t port) {
  return RawClient(test::plain_wire(test::connect_tcp(host, port)));
}

RawClient over_unix(const std::string& path) {
  return RawClient(test::plain_wire(test::connect_unix(path)));
}

}  // namespace

TEST_CASE("IPv4, IPv6 and a unix socket at once") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "proxy.sock";
  RawUpstream upstream(test::serve(ok));
  {
    Proxy proxy(upstream, "listen: ['127.0.0.1:0', '[::1]:0', 'unix:" + path + "']\nworkers: 2\n");
    const auto listening = proxy.server().listening();
    REQUIRE(listening.size() == 3);
    CHECK(listening[0].host == "127.0.0.1");
    CHECK(listening[0].port != 0);
    CHECK(listening[1].host == "::1");
    CHECK(listening[1].port != 0);
    CHECK(listening[2].unix_path == path);
    for (int i = 0; i < 10; ++i) {
      CHECK(over_tcp("127.0.0.1", listening[0].port).round_trip(test::get("/")).body == "ok");
      CHECK(over_tcp("::1", listening[1].port).round_trip(test::get("/")).body == "ok");
      CHECK(over_unix(path).round_trip(test::get("/")).body == "ok");
    }
  }
  struct stat file {};
  CHECK(::stat(path.c_str(), &file) != 0);  // the socket's file is gone with the proxy
}

TEST_CASE("a socket file left over by a crash is taken over, one in use is not") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "proxy.sock";
  const std::string yaml = "listen: ['unix:" + path + "']\n";
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, yaml);
  CHECK_THROWS_AS(Proxy(upstream, yaml), test::Failure);
  CHECK(over_unix(path).round_trip(test::get("/")).body == "ok");
}

TEST_CASE("an address in use is an error that names it") {
  const test::ListeningSocket taken;
  const std::string address = "127.0.0.1:" + std::to_string(taken.port());
  RawUpstream upstream(test::serve(ok));
  std::string error;
  try {
    const Proxy proxy(upstream, "listen: '" + address + "'\n");
  } catch (const test::Failure& failure) {
    error = failure.what();
  }
  CHECK(error.find(address) != std::string::npos);
}

TEST_CASE("several workers serve one port") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "workers: 4");
  for (int i = 0; i < 100; ++i)
    CHECK(proxy.round_trip(test::get("/")).body == "ok");
}
