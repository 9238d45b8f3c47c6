// Connections per address: who counts as one, who does not count, and that nothing stays behind.
#include "accept/address_table.h"

#include <thread>
#include <vector>

#include <doctest/doctest.h>

namespace {

net::Address address(const char* text) {
  const auto parsed = net::Address::parse(text, 1234);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

}  // namespace

TEST_CASE("an address has as many as it may") {
  accepting::AddressTable table;
  const net::Address one = address("192.0.2.1");
  CHECK(table.enter(one, 2));
  CHECK(table.enter(one, 2));
  CHECK(!table.enter(one, 2));
  CHECK(table.enter(address("192.0.2.2"), 2));
  table.leave(one);
  CHECK(table.enter(one, 2));
  CHECK(!table.enter(one, 2));
}

TEST_CASE("the limit may change or be off while they are counted") {
  accepting::AddressTable table;
  const net::Address one = address("192.0.2.1");
  for (int i = 0; i < 5; ++i)
    CHECK(table.enter(one, 0));
  CHECK(!table.enter(one, 5));
  CHECK(table.enter(one, 6));
}

TEST_CASE("an IPv6 client is its /64") {
  accepting::AddressTable table;
  CHECK(table.enter(address("2001:db8:1:2::1"), 1));
  CHECK(!table.enter(address("2001:db8:1:2:ffff::9"), 1));
  CHECK(table.enter(address("2001:db8:1:3::1"), 1));
  CHECK(table.size() == 2);
}

TEST_CASE("loopback and unix sockets are not counted") {
  accepting::AddressTable table;
  for (const char* text : {"127.0.0.1", "127.9.9.9", "::1"}) {
    CHECK(table.enter(address(text), 1));
    CHECK(table.enter(address(text), 1));
  }
  CHECK(table.enter(net::Address(), 1));
  CHECK(table.enter(net::Address(), 1));
  CHECK(table.size() == 0);
  table.leave(address("127.0.0.1"));
  table.leave(net::Address());
}

TEST_CASE("threads share it, and nothing stays behind") {
  accepting::AddressTable table;
  constexpr int rounds = 2'000;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&table, t] {
      for (uint32_t i = 0; i < rounds; ++i) {
        sockaddr_in system{};
        system.sin_family = AF_INET;
        // Some are shared by two threads, all are shared by time.
        system.sin_addr.s_addr = htonl(0xc6336400U + i % 50 + static_cast<uint32_t>(t / 2) * 50);
        const auto one = net::Address::from_system(reinterpret_cast<const sockaddr*>(&system));
        if (table.enter(one, 1)) table.leave(one);
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(table.size() == 0);
}
