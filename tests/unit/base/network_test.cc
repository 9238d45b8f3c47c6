// base/network: what is a network, and who is in it.
#include "base/network.h"

#include <arpa/inet.h>
#include <string>

#include <doctest/doctest.h>

using base::IpBytes;
using base::Network;

namespace {

IpBytes v6(const char* text) {
  IpBytes bytes{};
  REQUIRE(::inet_pton(AF_INET6, text, bytes.data()) == 1);
  return bytes;
}

IpBytes v4(const std::string& text) {
  return v6(("::ffff:" + text).c_str());
}

Network network(const char* text) {
  const auto parsed = Network::parse(text);
  REQUIRE_MESSAGE(parsed, text);
  return *parsed;
}

}  // namespace

TEST_CASE("networks as text and back") {
  for (const char* text : {"10.0.0.0/8",
                           "192.0.2.1",
                           "0.0.0.0/0",
                           "192.0.2.128/25",
                           "2001:db8::/32",
                           "::1",
                           "::/0",
                           "fe80::/10",
                           "unix"}) {
    CAPTURE(text);
    CHECK(network(text).text() == text);
  }
  CHECK(network("192.0.2.1/32").text() == "192.0.2.1");
  CHECK(network("2001:DB8:0::1/128").text() == "2001:db8::1");
}

TEST_CASE("what is no network") {
  for (const char* text : {"",
                           "/",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/-1",
                           "10.0.0.0/8 ",
                           " 10.0.0.0/8",
                           "10.0.0.0/8/8",
                           "10.0.0.1/8",
                           "10.0.0/8",
                           "010.0.0.0/8",
                           "2001:db8::1/32",
                           "2001:db8::/129",
                           "fe80::1%eth0",
                           "::",
                           "localhost",
                           "[::1]",
                           "Unix"}) {
    CAPTURE(text);
    CHECK(!Network::parse(text));
  }
}

TEST_CASE("who is in it") {
  CHECK(network("10.0.0.0/8").contains(v4("10.255.0.1")));
  CHECK(!network("10.0.0.0/8").contains(v4("11.0.0.1")));
  CHECK(!network("10.0.0.0/8").contains(v6("a00::")));
  CHECK(network("192.0.2.128/25").contains(v4("192.0.2.200")));
  CHECK(!network("192.0.2.128/25").contains(v4("192.0.2.127")));
  CHECK(network("192.0.2.1").contains(v4("192.0.2.1")));
  CHECK(!network("192.0.2.1").contains(v4("192.0.2.2")));
  CHECK(network("0.0.0.0/0").contains(v4("203.0.113.9")));
  CHECK(!network("0.0.0.0/0").contains(v6("2001:db8::1")));
  CHECK(network("2001:db8::/33").contains(v6("2001:db8:7fff::1")));
  CHECK(!network("2001:db8::/33").contains(v6("2001:db8:8000::1")));
  // The peer of a unix socket is in no network of addresses, and nobody else is it.
  CHECK(network("unix").contains(IpBytes{}));
  CHECK(!network("unix").contains(v6("::1")));
  CHECK(!network("::/0").contains(IpBytes{}));
}

TEST_CASE("truncate") {
  const IpBytes address = v6("2001:db8:1:2:3:4:5:6");
  CHECK(base::truncate(address, 64) == v6("2001:db8:1:2::"));
  CHECK(base::truncate(address, 0) == IpBytes{});
  CHECK(base::truncate(address, 128) == address);
  CHECK(base::truncate(v6("ffff::"), 3) == v6("e000::"));
}
