#include "net/address.h"

#include <string>

#include <doctest/doctest.h>

using net::Address;

TEST_CASE("literal addresses are told from names") {
  for (const char* text : {"127.0.0.1", "0.0.0.0", "::", "::1", "2001:db8::1", "::ffff:1.2.3.4"}) {
    CAPTURE(text);
    const auto address = Address::parse(text, 8080);
    REQUIRE(address);
    CHECK(address->host_text() == text);
    CHECK(address->port() == 8080);
    CHECK(address->is_ipv6() == (std::string(text).find(':') != std::string::npos));
  }
  for (const char* text :
       {"", "localhost", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[::1]", "::1::", "1.2.3.4:80"}) {
    CAPTURE(text);
    CHECK(!Address::parse(text, 1));
  }
  CHECK(!Address::parse(std::string("127.0.0.1\0", 10), 1));
  CHECK(!Address::parse(std::string(5'000, '1'), 1));
}

TEST_CASE("addresses as text, and as the system has them") {
  const auto four = Address::parse("192.0.2.1", 80);
  const auto six = Address::parse("2001:db8::1", 443);
  CHECK(four->text() == "192.0.2.1:80");
  CHECK(six->text() == "[2001:db8::1]:443");
  CHECK(Address::from_system(four->system()).text() == four->text());
  CHECK(Address::from_system(six->system()).text() == six->text());
  CHECK(six->system_size() == sizeof(sockaddr_in6));
  Address moved = *six;
  moved.set_port(1);
  CHECK(moved.port() == 1);
  CHECK(six->port() == 443);

  const sockaddr nameless{AF_UNIX, {}};
  const Address none = Address::from_system(&nameless);
  CHECK(none.is_none());
  CHECK(none.text() == "unix");
  CHECK(none.port() == 0);
}
