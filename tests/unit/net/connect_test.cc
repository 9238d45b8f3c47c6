// Tcp::connect: lookup, the race of addresses, and every way to fail.

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "fake_dns.h"
#include "net/connect_race.h"
#include "recorder.h"
#include "sockets.h"

using net_test::FakeDns;
using net_test::Recorder;
using net_test::run_until;

namespace {

struct World {
  explicit World(const net::ResolverTimes& times = {}) : dns(loop), resolver(loop, dns, times) {}

  std::unique_ptr<net::Tcp> connect(std::string_view host,
                                    uint16_t port,
                                    uint64_t timeout_ms = 5'000) {
    const Recorder::Quiet quiet(heard);
    return net::Tcp::connect(loop, resolver, {host, port, timeout_ms}, heard);
  }
  void wait() {
    run_until(loop, [&] { return heard.connected + static_cast<int>(heard.errors.size()) > 0; });
  }
  void expect_error(base::Code code, int raw) {
    wait();
    REQUIRE(heard.errors.size() == 1);
    CHECK(heard.errors[0].code == code);
    CHECK(heard.errors[0].side == base::Side::upstream);
    CHECK(heard.errors[0].raw == raw);
    CHECK(heard.total == 1);
  }

  net::UvLoop loop;
  FakeDns dns;
  net::Resolver resolver;
  Recorder heard;
};

// A port where nobody listens, until this is gone.
struct ClosedPort {
  ClosedPort() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = net::Address::parse("127.0.0.1", 0);
    REQUIRE(::bind(socket.get(), any->system(), any->system_size()) == 0);
  }
  base::Fd socket;
};

// A listening socket that answers nobody: its backlog is full.
struct DeafListener {
  DeafListener(const char* host, uint16_t port) : listening(net_test::listen_on(host, port, 0)) {
    const auto address = net::Address::parse(host, net_test::port_of(listening));
    for (base::Fd& client : clients) {
      client = base::Fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      static_cast<void>(::connect(client.get(), address->system(), address->system_size()));
    }
  }
  base::Fd listening;
  std::array<base::Fd, 4> clients;
};

}  // namespace

TEST_CASE("connecting by name, then both ways and the end") {
  World world;
  const base::Fd listening = net_test::listen_on("127.0.0.1");
  const auto tcp = world.connect("api.test", net_test::port_of(listening));
  tcp->set_reading(true);
  CHECK(tcp->peer().is_none());
  world.dns.answer(0, {"127.0.0.1"});
  world.wait();
  CHECK(world.heard.connected == 1);
  CHECK(tcp->peer().text() == "127.0.0.1:" + std::to_string(net_test::port_of(listening)));
  const base::Bytes hello = base::as_bytes("hello");
  CHECK(tcp->write({&hello, 1}) == net::Flow::go);
  tcp->shutdown_write();
  const base::Fd accepted(::accept(listening.get(), nullptr, nullptr));
  CHECK(net_test::receive_all(accepted) == "hello");
  net_test::send_all(accepted, "hi");
  ::shutdown(accepted.get(), SHUT_WR);
  run_until(world.loop, [&] { return world.heard.ends == 1; });
  CHECK(world.heard.text == "hi");
}

TEST_CASE("a literal address needs no lookup, IPv6 neither") {
  for (const char* host : {"127.0.0.1", "::1"}) {
    World world;
    const base::Fd listening = net_test::listen_on(host);
    const auto tcp = world.connect(host, net_test::port_of(listening));
    world.wait();
    CHECK(world.heard.connected == 1);
    CHECK(world.resolver.lookups() == 0);
  }
}

TEST_CASE("refused, unknown, out of time: one error each") {
  World world;
  std::unique_ptr<net::Tcp> tcp;
  SUBCASE("nobody listens") {
    const ClosedPort closed;
    tcp = world.connect("127.0.0.1", net_test::port_of(closed.socket));
    world.expect_error(base::Code::connect, UV_ECONNREFUSED);
  }
  SUBCASE("nobody listens on any address") {
    const ClosedPort closed;
    tcp = world.connect("api.test", net_test::port_of(closed.socket));
    world.dns.answer(0, {"127.0.0.1", "127.0.0.2", "::1"});
    world.expect_error(base::Code::connect, UV_ECONNREFUSED);
  }
  SUBCASE("the name is unknown") {
    tcp = world.connect("gone.test", 80);
    world.dns.answer(UV_EAI_NONAME);
    world.expect_error(base::Code::dns, UV_EAI_NONAME);
  }
  SUBCASE("the lookup takes too long") {
    tcp = world.connect("slow.test", 80, 50);
    world.expect_error(base::Code::dns, UV_EAI_AGAIN);
    world.dns.answer(0, {"127.0.0.1"});
  }
  SUBCASE("the connection takes too long") {
    const DeafListener deaf("127.0.0.2", 0);
    const uint64_t start_ms = world.loop.now_ms();
    tcp = world.connect("127.0.0.2", net_test::port_of(deaf.listening), 150);
    world.expect_error(base::Code::timeout, UV_ETIMEDOUT);
    CHECK(world.loop.now_ms() - start_ms >= 150);
  }
  SUBCASE("an address that cannot be reached at all") {
    tcp = world.connect("255.255.255.255", 80);
    world.wait();
    CHECK(world.heard.errors.size() == 1);
    CHECK(world.heard.errors[0].code == base::Code::connect);
  }
  net_test::run_ready(world.loop);
  CHECK(world.heard.total == 1);
  tcp->set_reading(true);
  tcp->close();
}

TEST_CASE("a refused address is left at once for the next") {
  World world;
  const base::Fd listening = net_test::listen_on("127.0.0.1");
  const auto tcp = world.connect("api.test", net_test::port_of(listening));
  world.dns.answer(0, {"127.0.0.3", "::1", "127.0.0.2", "127.0.0.1"});
  world.wait();
  CHECK(world.heard.connected == 1);
  CHECK(tcp->peer().host_text() == "127.0.0.1");
}

TEST_CASE("an address that keeps silent is overtaken by the next") {
  World world;
  const base::Fd listening = net_test::listen_on("127.0.0.1");
  const DeafListener deaf("127.0.0.2", net_test::port_of(listening));
  const uint64_t start_ms = world.loop.now_ms();
  const auto tcp = world.connect("api.test", net_test::port_of(listening));
  world.dns.answer(0, {"127.0.0.2", "127.0.0.1"});
  world.wait();
  CHECK(world.heard.connected == 1);
  CHECK(tcp->peer().host_text() == "127.0.0.1");
  CHECK(world.loop.now_ms() - start_ms >= net::ConnectRace::stagger_ms);
}

TEST_CASE("given up before it is connected: nothing is heard") {
  World world;
  const DeafListener deaf("127.0.0.2", 0);
  auto tcp = world.connect("api.test", net_test::port_of(deaf.listening));
  SUBCASE("during the lookup") {
    tcp.reset();
    world.dns.answer(0, {"127.0.0.2"});
  }
  SUBCASE("during the attempt") {
    world.dns.answer(0, {"127.0.0.2"});
    net_test::run_ready(world.loop);
    tcp->close();
  }
  world.loop.run();
  CHECK(world.heard.total == 0);
}

TEST_CASE("destroyed within on_connected or on_error") {
  for (const bool listens : {true, false}) {
    World world;
    const base::Fd listening = net_test::listen_on("127.0.0.1");
    const ClosedPort closed;
    auto tcp = world.connect("127.0.0.1", net_test::port_of(listens ? listening : closed.socket));
    tcp->set_reading(true);
    world.heard.then_connected = world.heard.then_error = [&] {
      tcp.reset();
    };
    world.wait();
    CHECK(tcp == nullptr);
    world.loop.run();
    CHECK(world.heard.total == 1);
  }
}

TEST_CASE("the next connection begins with the family that worked") {
  World world;
  const base::Fd listening = net_test::listen_on("127.0.0.1");
  const uint16_t port = net_test::port_of(listening);
  const auto first = world.connect("api.test", port);
  world.dns.answer(0, {"::1", "127.0.0.1"});
  world.wait();
  CHECK(!first->peer().is_ipv6());
  // Now IPv6 would work as well.
  const base::Fd listening6 = net_test::listen_on("::1", port);
  const auto second = world.connect("api.test", port);
  run_until(world.loop, [&] { return world.heard.connected == 2; });
  CHECK(!second->peer().is_ipv6());
}

TEST_CASE("a name that moves: the next connection waits for its new address") {
  World world({.fresh_ms_max = 0});
  base::Fd old = net_test::listen_on("127.0.0.1");
  const uint16_t port = net_test::port_of(old);
  const base::Fd moved = net_test::listen_on("127.0.0.2", port);
  const auto first = world.connect("api.test", port);
  world.dns.answer(0, {"127.0.0.1"});
  world.wait();
  CHECK(first->peer().host_text() == "127.0.0.1");
  old.reset();
  const auto second = world.connect("api.test", port);
  world.dns.answer(0, {"127.0.0.2"});
  run_until(world.loop, [&] { return world.heard.connected == 2; });
  CHECK(world.heard.errors.empty());
  CHECK(second->peer().host_text() == "127.0.0.2");
}

TEST_CASE("families alternate, beginning with the first address's") {
  const auto order = [](const std::vector<std::string>& hosts) {
    std::vector<net::Address> addresses;
    for (const std::string& host : hosts)
      addresses.push_back(*net::Address::parse(host, 0));
    std::string text;
    for (const net::Address& address : net::interleave_families(addresses)) {
      text += address.host_text() + ' ';
    }
    return text;
  };
  CHECK(order({}).empty());
  CHECK(order({"1.1.1.1"}) == "1.1.1.1 ");
  CHECK(order({"::1", "::2", "::3", "1.1.1.1"}) == "::1 1.1.1.1 ::2 ::3 ");
  CHECK(order({"1.1.1.1", "1.1.1.2", "::1", "::2"}) == "1.1.1.1 ::1 1.1.1.2 ::2 ");
}
