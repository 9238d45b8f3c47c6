// What TlsStream puts on the wire, seen and tampered with from the middle.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tls/stream.h"
#include "tls/tls_world.h"

namespace {

using tls_test::pattern;
using tls_test::write_text;

// Passes one direction on, byte for byte but for one flipped bit; keeps what it saw.
class Wire final : public net::ByteStreamListener {
 public:
  std::string seen;
  size_t flip_at = SIZE_MAX;
  net::ByteStream* to = nullptr;

  void on_connected() override {}
  void on_read(base::Bytes bytes) override {
    std::string copy(base::as_text(bytes));
    if (flip_at - seen.size() < copy.size()) copy[flip_at - seen.size()] ^= 0x10;
    seen += copy;
    static_cast<void>(write_text(*to, copy));
  }
  void on_read_end(net::ReadEnd) override { to->shutdown_write(); }
  void on_drained() override {}
  void on_write_error(base::Error) override {}
  void on_error(base::Error) override { to->shutdown_write(); }

  // The payload sizes of the records seen from byte `begin` on.
  [[nodiscard]] std::vector<size_t> records(size_t begin) const {
    std::vector<size_t> sizes;
    while (begin + 5 <= seen.size()) {
      const auto high = static_cast<unsigned char>(seen[begin + 3]);
      const auto low = static_cast<unsigned char>(seen[begin + 4]);
      sizes.push_back(high * size_t{256} + low);
      begin += 5 + sizes.back();
    }
    REQUIRE(begin == seen.size());
    return sizes;
  }
};

// client <-> middle <-> server.
struct Middle {
  tls_test::World world;
  test::MemoryNetwork::Pair left;
  test::MemoryNetwork::Pair right;
  Wire up;
  Wire down;
  tls_test::Recorder client;
  tls_test::Recorder server;
  std::unique_ptr<tls::TlsStream> client_stream;
  std::unique_ptr<tls::TlsStream> server_stream;

  Middle(uint64_t seed, tls::Version version, test::MemoryOptions memory)
      : world(seed, version, memory),
        left(world.network.make_pair(base::Side::upstream, base::Side::client)),
        right(world.network.make_pair(base::Side::upstream, base::Side::client)) {
    client_stream = std::make_unique<tls::TlsStream>(
        world.loop, std::move(left.first), tls::TransportState::connected, world.client, 5000);
    server_stream =
        std::make_unique<tls::TlsStream>(world.loop, std::move(right.second), *world.server, 5000);
    client_stream->set_listener(client);
    server_stream->set_listener(server);
    up.to = right.first.get();
    down.to = left.second.get();
    left.second->set_listener(up);
    right.first->set_listener(down);
    left.second->set_reading(true);
    right.first->set_reading(true);
    client_stream->set_reading(true);
    server_stream->set_reading(true);
  }
};

constexpr test::MemoryOptions plain_wire{.capacity_bytes = 4'000'000, .random = false};

TEST_CASE("the pieces of one write are one record; big ones are few, equal and within the bound") {
  for (const tls::Version version : tls_test::versions) {
    Middle middle(1, version, plain_wire);
    middle.world.loop.end_turn();
    REQUIRE(middle.client.connected == 1);
    size_t begin = middle.up.seen.size();
    const base::Bytes pieces[] = {base::as_bytes("POST / HTTP/1.1\r\n\r\n"),
                                  base::as_bytes("4\r\n"),
                                  {},
                                  base::as_bytes("body"),
                                  base::as_bytes("\r\n")};
    static_cast<void>(middle.client_stream->write(pieces));
    middle.world.loop.end_turn();
    REQUIRE(middle.up.records(begin).size() == 1);
    REQUIRE(middle.server.received == "POST / HTTP/1.1\r\n\r\n4\r\nbody\r\n");

    begin = middle.up.seen.size();
    static_cast<void>(middle.client_stream->write({}));
    static_cast<void>(write_text(*middle.client_stream, ""));
    middle.world.loop.end_turn();
    REQUIRE(middle.up.seen.size() == begin);

    for (const size_t size : {1U, 16383U, 16384U, 65536U, 70'000U, 200'000U}) {
      begin = middle.up.seen.size();
      middle.server.received.clear();
      const std::string text = pattern(size, size);
      static_cast<void>(write_text(*middle.client_stream, text));
      middle.world.loop.end_turn();
      REQUIRE(middle.server.received == text);
      const std::vector<size_t> records = middle.up.records(begin);
      REQUIRE(records.size() == (size + 16382) / 16383);
      // RFC 8446 5.2: at most 2^14 + 256 on the wire; all but the last within a byte of each other.
      REQUIRE(*std::max_element(records.begin(), records.end()) <= 16384 + 256);
      REQUIRE(*std::max_element(records.begin(), records.end()) -
                  *std::min_element(records.begin(), records.end()) <=
              17);
    }
  }
}

TEST_CASE("one flipped bit anywhere: an error or nothing, never a wrong byte, never a clean end") {
  const std::string question = pattern(3000, 1);
  const std::string answer = pattern(40'000, 2);
  const auto exchange = [&](Middle& middle) {
    middle.client.on_ready = [&] {
      static_cast<void>(write_text(*middle.client_stream, question));
      middle.client_stream->shutdown_write();
    };
    middle.server.on_ready = [&] {
      for (size_t at = 0; at < answer.size(); at += 4000) {
        static_cast<void>(
            write_text(*middle.server_stream, std::string_view(answer).substr(at, 4000)));
      }
      middle.server_stream->shutdown_write();
    };
    middle.world.loop.end_turn();
  };
  for (const tls::Version version : tls_test::versions) {
    Middle whole(1, version, plain_wire);
    exchange(whole);
    REQUIRE(whole.client.received == answer);
    REQUIRE(whole.client.read_end == net::ReadEnd::clean);
    for (uint64_t seed = 1; seed <= 150; ++seed) {
      CAPTURE(seed);
      Middle middle(seed, version, {.capacity_bytes = 100'000, .random = true});
      const bool upward = seed % 3 == 0;
      Wire& wire = upward ? middle.up : middle.down;
      const size_t length = (upward ? whole.up : whole.down).seen.size();
      // Half of them within the handshake's flights.
      const size_t early = std::min<size_t>(length, 1200);
      wire.flip_at = middle.world.network.random_below(seed % 2 == 0 ? early : length - 24);
      CAPTURE(wire.flip_at);
      exchange(middle);
      REQUIRE(answer.starts_with(middle.client.received));
      REQUIRE(question.starts_with(middle.server.received));
      // The header's version field may change without harm (RFC 8446 5.1), nothing else.
      const tls_test::Recorder& victim = upward ? middle.server : middle.client;
      const std::string& text = upward ? question : answer;
      if (victim.received != text) {
        REQUIRE(victim.read_end != net::ReadEnd::clean);
        REQUIRE((victim.error.has_value() || victim.read_end.has_value() || victim.connected == 0));
      }
    }
  }
}

}  // namespace
