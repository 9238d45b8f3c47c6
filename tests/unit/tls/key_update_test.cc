// Key updates that follow each other without data (RFC 8446 4.6.3).
#include <cstring>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tls/session.h"
#include "tls/tls_world.h"

namespace {

using Status = tls::Session::Status;

// Both sides of a connection without sockets.
struct Pair {
  tls_test::World world{1};
  tls::Session client{world.client};
  tls::Session server{*world.server};

  static std::vector<std::byte> take_flight(tls::Session& from) {
    return std::exchange(from.flight(), {});
  }

  Pair() {
    base::Bytes nothing;
    REQUIRE(client.handshake(nothing) == Status::want_input);
    std::vector<std::byte> bytes = take_flight(client);
    base::Bytes input = bytes;
    REQUIRE(server.handshake(input) == Status::want_input);
    bytes = take_flight(server);
    input = bytes;
    REQUIRE(client.handshake(input) == Status::done);
    bytes = take_flight(client);
    input = bytes;
    REQUIRE(server.handshake(input) == Status::done);
    static_cast<void>(take_flight(server));  // tickets
  }

  // A key update of the client's as the server takes it.
  Status update() {
    REQUIRE(client.update_keys());
    const std::vector<std::byte> bytes = take_flight(client);
    base::Bytes input = bytes;
    std::vector<std::byte> into(100);
    return server.decrypt(input, into).status;
  }

  static std::vector<std::byte> seal(tls::Session& by) {
    std::vector<std::byte> area(200);
    std::memcpy(by.payload_area(area).data(), "data", 4);
    area.resize(by.encrypt(4));
    return area;
  }
};

TEST_CASE("five hundred key updates in a row are followed, one more is a flood") {
  Pair pair;
  for (int i = 0; i < 500; ++i)
    REQUIRE(pair.update() == Status::want_input);
  REQUIRE(pair.update() == Status::failed);
  REQUIRE(!pair.server.flight().empty());  // the alert
}

TEST_CASE("data of either side between key updates makes them no flood") {
  Pair pair;
  for (int i = 0; i < 2000; ++i) {
    CAPTURE(i);
    REQUIRE(pair.update() == Status::want_input);
    if (i % 400 == 0) {
      const std::vector<std::byte> record = Pair::seal(pair.client);
      base::Bytes input = record;
      std::vector<std::byte> into(100);
      REQUIRE(pair.server.decrypt(input, into).size == 4);
    } else if (i % 400 == 200) {
      REQUIRE(!Pair::seal(pair.server).empty());
    }
  }
}

}  // namespace
