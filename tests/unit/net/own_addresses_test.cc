#include "net/own_addresses.h"

#include <unistd.h>

#include <doctest/doctest.h>

#include "support/files.h"

using net::Address;
using net::OwnAddresses;

namespace {

Address at(const char* host, uint16_t port) {
  return *Address::parse(host, port);
}

}  // namespace

TEST_CASE("a connection to a listener of our own is told by its addresses") {
  struct Case {
    const char* listen;
    const char* to;
    const char* from;
    bool own;
  };
  for (const Case& c : {Case{"127.0.0.1", "127.0.0.1", "127.0.0.1", true},
                        Case{"127.0.0.1", "127.0.0.2", "127.0.0.1", false},
                        Case{"127.0.0.1", "0.0.0.0", "127.0.0.1", true},
                        Case{"127.0.0.1", "::ffff:127.0.0.1", "::ffff:127.0.0.1", true},
                        Case{"127.0.0.1", "::1", "::1", false},
                        Case{"0.0.0.0", "127.0.0.1", "127.0.0.1", true},
                        Case{"0.0.0.0", "127.0.0.2", "127.0.0.1", true},
                        Case{"0.0.0.0", "0.0.0.0", "127.0.0.1", true},
                        Case{"0.0.0.0", "192.0.2.1", "192.0.2.1", true},
                        Case{"0.0.0.0", "192.0.2.1", "192.0.2.9", false},
                        Case{"0.0.0.0", "::1", "::1", false},
                        Case{"::", "::1", "::1", true},
                        Case{"::", "127.0.0.1", "127.0.0.1", false},
                        Case{"::", "2001:db8::1", "2001:db8::1", true},
                        Case{"::", "2001:db8::1", "2001:db8::2", false},
                        Case{"192.0.2.1", "192.0.2.1", "192.0.2.1", true},
                        Case{"192.0.2.1", "192.0.2.1", "192.0.2.9", true},
                        Case{"192.0.2.1", "127.0.0.1", "127.0.0.1", false}}) {
    CAPTURE(c.listen);
    CAPTURE(c.to);
    OwnAddresses own;
    own.add({.host = c.listen, .port = 8080, .unix_path = {}});
    CHECK(own.contain(at(c.to, 8080), at(c.from, 40000)) == c.own);
    CHECK_FALSE(own.contain(at(c.to, 8081), at(c.from, 40000)));
    CHECK_FALSE(OwnAddresses().contain(at(c.to, 8080), at(c.from, 40000)));
  }
}

TEST_CASE("a unix socket is the same by any of its names") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "a.sock";
  test::write_file(path, "");
  CHECK(::symlink(path.c_str(), (folder / "link").c_str()) == 0);
  OwnAddresses own;
  own.add({.host = {}, .port = 0, .unix_path = path});
  CHECK(own.contain(path));
  CHECK(own.contain(folder / "link"));
  CHECK(own.contain(folder.path() + "/./a.sock"));
  CHECK_FALSE(own.contain(folder / "b.sock"));
  OwnAddresses gone;
  gone.add({.host = {}, .port = 0, .unix_path = folder / "c.sock"});
  CHECK(gone.contain(folder / "c.sock"));
}

TEST_CASE("addresses of this machine") {
  CHECK(net::is_address_of_machine(at("127.0.0.1", 1)));
  CHECK(net::is_address_of_machine(at("127.1.2.3", 1)));
  CHECK(net::is_address_of_machine(at("0.0.0.0", 1)));
  CHECK_FALSE(net::is_address_of_machine(at("192.0.2.1", 1)));
}
