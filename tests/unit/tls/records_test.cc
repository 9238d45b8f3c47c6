// Records of every size, both ways: small ones, messages in pieces, keys that change in between.
#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/ssl.h>

#include "tls/tls_world.h"

namespace {

using tls_test::pattern;
using tls_test::versions;
using tls_test::write_text;

// Passes one direction on; what comes in clear may be cut into records anew.
class Reframer final : public net::ByteStreamListener {
 public:
  net::ByteStream* to = nullptr;
  size_t piece = 0;  // 0: as it comes
  std::vector<size_t> sizes;
  std::string injected;  // before the first record

  void on_connected() override {}
  void on_read(base::Bytes bytes) override {
    buffer_ += base::as_text(bytes);
    std::string out = std::exchange(injected, {});
    while (buffer_.size() >= 5) {
      const size_t size = static_cast<unsigned char>(buffer_[3]) * size_t{256} +
                          static_cast<unsigned char>(buffer_[4]);
      if (buffer_.size() < 5 + size) break;
      sizes.push_back(size);
      out += cut(buffer_.substr(0, 5), buffer_.substr(5, size));
      buffer_.erase(0, 5 + size);
    }
    if (!out.empty()) static_cast<void>(write_text(*to, out));
  }
  void on_read_end(net::ReadEnd) override { to->shutdown_write(); }
  void on_drained() override {}
  void on_write_error(base::Error) override {}
  void on_error(base::Error) override { to->shutdown_write(); }

 private:
  std::string cut(std::string head, const std::string& body) {
    // Past a ChangeCipherSpec everything is encrypted.
    if (head[0] == 20) clear_ = false;
    if (head[0] != 22 || !clear_ || piece == 0) return head + body;
    std::string out;
    for (size_t at = 0; at < body.size(); at += piece) {
      const std::string part = body.substr(at, piece);
      head[3] = static_cast<char>(part.size() >> 8);
      head[4] = static_cast<char>(part.size() & 0xff);
      out += head + part;
    }
    return out;
  }
  std::string buffer_;
  bool clear_ = true;
};

// client <-> middle <-> server.
struct Middle {
  tls_test::World world;
  test::MemoryNetwork::Pair left;
  test::MemoryNetwork::Pair right;
  Reframer up;
  Reframer down;
  tls_test::Recorder client;
  tls_test::Recorder server;
  std::unique_ptr<tls::TlsStream> client_stream;
  std::unique_ptr<tls::TlsStream> server_stream;

  explicit Middle(tls::Version version, bool random = false, uint64_t seed = 1)
      : world(seed, version, {.capacity_bytes = 4'000'000, .random = random}),
        left(world.network.make_pair(base::Side::upstream, base::Side::client)),
        right(world.network.make_pair(base::Side::upstream, base::Side::client)) {
    up.to = right.first.get();
    down.to = left.second.get();
    left.second->set_listener(up);
    right.first->set_listener(down);
  }

  void start() {
    client_stream = std::make_unique<tls::TlsStream>(
        world.loop, std::move(left.first), tls::TransportState::connected, world.client, 5000);
    server_stream =
        std::make_unique<tls::TlsStream>(world.loop, std::move(right.second), *world.server, 5000);
    client_stream->set_listener(client);
    server_stream->set_listener(server);
    left.second->set_reading(true);
    right.first->set_reading(true);
    client_stream->set_reading(true);
    server_stream->set_reading(true);
    world.loop.end_turn();
  }

  // Whether both sides get what the other one writes, whole.
  bool exchanges(size_t size) {
    const std::string question = pattern(size, 1);
    const std::string answer = pattern(size, 2);
    client.received.clear();
    server.received.clear();
    static_cast<void>(write_text(*client_stream, question));
    static_cast<void>(write_text(*server_stream, answer));
    world.loop.end_turn();
    return server.received == question && client.received == answer;
  }
};

TEST_CASE("handshake messages in records of any size, from one byte on") {
  for (const tls::Version version : versions) {
    for (const size_t piece : {1U, 2U, 3U, 4U, 5U, 7U, 100U, 1000U}) {
      CAPTURE(static_cast<int>(version));
      CAPTURE(piece);
      Middle middle(version, true, piece);
      middle.up.piece = middle.down.piece = piece;
      middle.start();
      REQUIRE(middle.client.connected == 1);
      REQUIRE(middle.server.connected == 1);
      REQUIRE(middle.exchanges(50'000));
    }
  }
}

TEST_CASE("a client that wants small records gets them, and the whole of what is sent") {
  const std::pair<unsigned char, size_t> limits[] = {{MBEDTLS_SSL_MAX_FRAG_LEN_512, 512},
                                                     {MBEDTLS_SSL_MAX_FRAG_LEN_1024, 1024},
                                                     {MBEDTLS_SSL_MAX_FRAG_LEN_2048, 2048},
                                                     {MBEDTLS_SSL_MAX_FRAG_LEN_4096, 4096}};
  for (const tls::Version version : versions) {
    for (const auto& each : limits) {
      const unsigned char code = each.first;
      const size_t limit = each.second;
      CAPTURE(static_cast<int>(version));
      CAPTURE(limit);
      Middle middle(version);
      // A certificate that takes several of them.
      test::LeafOptions options;
      for (char c = 'a'; c <= 'z'; ++c)
        options.names.push_back(std::string(60, c) + "." + std::string(60, c) + ".test");
      middle.world.server =
          tls_test::server_of(tls_test::fixture().authority.issue(options), version);
      REQUIRE(mbedtls_ssl_conf_max_frag_len(
                  const_cast<mbedtls_ssl_config*>(&middle.world.client.config()), code) == 0);
      middle.start();
      REQUIRE(middle.client.connected == 1);
      REQUIRE(middle.server.connected == 1);
      for (const size_t size : {1U, 511U, 512U, 513U, 4096U, 20'000U, 100'000U})
        REQUIRE(middle.exchanges(size));
      // In TLS 1.3 our client wants no more than a whole record (RFC 8449), and means that.
      if (version == tls::Version::tls13) continue;
      // What a record adds to its payload: IV, tag.
      REQUIRE(*std::max_element(middle.down.sizes.begin(), middle.down.sizes.end()) <= limit + 24);
    }
  }
}

TEST_CASE("both sides change their keys again and again, in the middle of what they send") {
  for (const bool random : {false, true}) {
    Middle middle(tls::Version::tls13, random, 3);
    middle.world.client.set_records_per_key(2);
    middle.world.server->set_records_per_key(3);
    middle.start();
    REQUIRE(middle.client.connected == 1);
    for (int i = 0; i < 200; ++i)
      REQUIRE(middle.exchanges(static_cast<size_t>(i) * 97 + 1));
    REQUIRE(!middle.client.error.has_value());
    REQUIRE(!middle.server.error.has_value());
  }
}

TEST_CASE("a TLS 1.2 connection never changes its keys") {
  Middle middle(tls::Version::tls12);
  middle.world.client.set_records_per_key(2);
  middle.world.server->set_records_per_key(2);
  middle.start();
  for (int i = 0; i < 10; ++i)
    REQUIRE(middle.exchanges(100));
}

TEST_CASE("bytes in clear before or within a handshake are never content, on either side") {
  const std::string response = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno";
  const std::string as_record =
      std::string("\x17\x03\x03\0", 4) + static_cast<char>(response.size()) + response;
  for (const tls::Version version : versions) {
    for (const std::string& injected : {response, as_record}) {
      for (const bool upward : {false, true}) {
        Middle middle(version);
        (upward ? middle.up : middle.down).injected = injected;
        middle.start();
        const tls_test::Recorder& victim = upward ? middle.server : middle.client;
        CHECK(victim.connected == 0);
        CHECK(victim.received.empty());
        CHECK(victim.error.has_value());
      }
    }
  }
}

}  // namespace
