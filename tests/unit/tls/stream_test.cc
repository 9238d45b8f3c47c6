// TlsStream against TlsStream over memory, for many seeds of splitting, delaying and refusing.
#include "tls/stream.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tls/tls_world.h"

namespace {

using tls_test::Link;
using tls_test::versions;
using tls_test::World;
using tls_test::write_text;

// Writes `text` in random pieces for as long as the stream says `go`; goes on when drained.
class Sender {
 public:
  Sender(test::MemoryNetwork& network, net::ByteStream& stream, std::string text)
      : network_(network), stream_(stream), text_(std::move(text)) {}

  void send() {
    while (sent_ < text_.size()) {
      const size_t size = std::min<size_t>(text_.size() - sent_, 1 + network_.random_below(90'000));
      const size_t cut = network_.random_below(size + 1);
      const std::string_view rest = std::string_view(text_).substr(sent_, size);
      const base::Bytes pieces[] = {
          base::as_bytes(rest.substr(0, cut)), {}, base::as_bytes(rest.substr(cut))};
      sent_ += size;
      const net::Flow flow = stream_.write(pieces);
      queued_max_ = std::max(queued_max_, stream_.queued_bytes());
      if (flow == net::Flow::full) return;
    }
    if (!ended_) stream_.shutdown_write();
    ended_ = true;
  }
  [[nodiscard]] bool ended() const { return ended_; }
  [[nodiscard]] size_t queued_max() const { return queued_max_; }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  test::MemoryNetwork& network_;
  net::ByteStream& stream_;
  std::string text_;
  size_t sent_ = 0;
  size_t queued_max_ = 0;
  bool ended_ = false;
};

TEST_CASE("a handshake, then bytes both ways, then a clean end, however it is split") {
  for (const tls::Version version : versions) {
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      CAPTURE(seed);
      World world(seed, version);
      Link link(world.network, world.client, *world.server);
      link.read_both();
      world.loop.end_turn();
      REQUIRE(link.client.connected == 1);
      REQUIRE(link.server.connected == 1);
      REQUIRE(!link.client_stream->resumed());
      static_cast<void>(write_text(*link.client_stream, "a question"));
      static_cast<void>(write_text(*link.server_stream, "an answer"));
      world.loop.end_turn();
      REQUIRE(link.server.received == "a question");
      REQUIRE(link.client.received == "an answer");
      link.client_stream->shutdown_write();
      world.loop.end_turn();
      REQUIRE(link.server.read_end == net::ReadEnd::clean);
      static_cast<void>(write_text(*link.server_stream, ", and more after your end"));
      link.server_stream->shutdown_write();
      world.loop.end_turn();
      REQUIRE(link.client.received == "an answer, and more after your end");
      REQUIRE(link.client.read_end == net::ReadEnd::clean);
      REQUIRE(!link.client.error.has_value());
      REQUIRE(!link.server.error.has_value());
    }
  }
}

TEST_CASE("one byte at a time, from the first to the last") {
  for (const tls::Version version : versions) {
    World world(1, version, {.capacity_bytes = 1, .random = false});
    Link link(world.network, world.client, *world.server);
    link.server.on_ready = [&] {
      static_cast<void>(write_text(*link.server_stream, tls_test::pattern(20'000, 1)));
      link.server_stream->shutdown_write();
    };
    link.read_both();
    world.loop.end_turn();
    REQUIRE(link.client.received == tls_test::pattern(20'000, 1));
    REQUIRE(link.client.read_end == net::ReadEnd::clean);
    // A listener is not bothered with what is not a whole record.
    REQUIRE(link.client.reads == 2);
  }
}

TEST_CASE("megabytes both ways at once, with backpressure and pauses within on_read") {
  for (const tls::Version version : versions) {
    for (uint64_t seed = 1; seed <= 12; ++seed) {
      CAPTURE(seed);
      test::MemoryOptions memory;
      memory.capacity_bytes = seed % 2 == 0 ? 64 * 1024 : 700;
      World world(seed, version, memory);
      Link link(world.network, world.client, *world.server);
      const size_t size = seed % 2 == 0 ? 2'000'000 : 100'000;
      Sender up(world.network, *link.client_stream, tls_test::pattern(size, seed));
      Sender down(world.network, *link.server_stream, tls_test::pattern(size, seed + 1000));
      link.client.on_ready = [&] {
        up.send();
      };
      link.server.on_ready = [&] {
        down.send();
      };
      link.client.on_room = [&] {
        up.send();
      };
      link.server.on_room = [&] {
        down.send();
      };
      bool paused = false;
      link.client.on_bytes = [&](base::Bytes) {
        REQUIRE(!paused);
        if (world.network.random_below(3) != 0) return;
        paused = true;
        link.client_stream->set_reading(false);
      };
      link.read_both();
      for (int turns = 0; turns < 100'000 && !link.client.read_end.has_value(); ++turns) {
        world.loop.end_turn();
        REQUIRE((paused || link.client.read_end.has_value()));
        paused = false;
        link.client_stream->set_reading(true);
      }
      world.loop.end_turn();
      REQUIRE(link.client.received == down.text());
      REQUIRE(link.server.received == up.text());
      REQUIRE(link.client.read_end == net::ReadEnd::clean);
      REQUIRE(link.server.read_end == net::ReadEnd::clean);
      // The high mark, one write and what encryption adds.
      REQUIRE(up.queued_max() < net::ByteStream::queue_bytes_high + 92'000);
      REQUIRE(down.queued_max() < net::ByteStream::queue_bytes_high + 92'000);
    }
  }
}

TEST_CASE("a listener that stops within on_read hears nothing until it goes on, not even the end") {
  World world(1, tls::Version::tls13, {.capacity_bytes = 1'000'000, .random = false});
  Link link(world.network, world.client, *world.server);
  const std::string sent = tls_test::pattern(300'000, 7);
  link.server.on_ready = [&] {
    static_cast<void>(write_text(*link.server_stream, sent));
    link.server_stream->shutdown_write();
  };
  link.client.on_bytes = [&](base::Bytes) {
    link.client_stream->set_reading(false);
  };
  link.read_both();
  world.loop.end_turn();
  REQUIRE(link.client.reads == 1);
  REQUIRE(link.client.received.size() <= net::Loop::plain_scratch_bytes);
  for (int reads = 2; link.client.received.size() < sent.size(); ++reads) {
    REQUIRE(!link.client.read_end.has_value());
    link.client_stream->set_reading(true);
    world.loop.end_turn();
    REQUIRE(link.client.reads == reads);
  }
  REQUIRE(link.client.received == sent);
  link.client_stream->set_reading(true);
  world.loop.end_turn();
  REQUIRE(link.client.read_end == net::ReadEnd::clean);
}

TEST_CASE("the handshake goes on while nobody reads, and no byte is lost by it") {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    Link link(world.network, world.client, *world.server);
    link.server.on_ready = [&] {
      static_cast<void>(write_text(*link.server_stream, "the server speaks first"));
    };
    world.loop.end_turn();
    REQUIRE(link.client.connected == 1);
    REQUIRE(link.client.reads == 0);
    link.client_stream->set_reading(true);
    world.loop.end_turn();
    REQUIRE(link.client.received == "the server speaks first");
  }
}

TEST_CASE("several records that arrive together are delivered together") {
  World world(1, tls::Version::tls13, {.capacity_bytes = 1'000'000, .random = false});
  Link link(world.network, world.client, *world.server);
  link.read_both();
  world.loop.end_turn();
  for (int event = 0; event < 10; ++event) {
    static_cast<void>(write_text(*link.server_stream, "data: token\n\n"));
  }
  world.loop.end_turn();
  REQUIRE(link.client.reads == 1);
  REQUIRE(link.client.received.size() == 10 * 13);
}

TEST_CASE("an end without close_notify is a truncation, within a record or between two") {
  for (const size_t cut : {size_t{0}, size_t{1}, size_t{5}, size_t{20}}) {
    World world(1, tls::Version::tls13, {.capacity_bytes = 1'000'000, .random = false});
    Link link(world.network, world.client, *world.server);
    link.read_both();
    world.loop.end_turn();
    static_cast<void>(write_text(*link.server_stream, "whole"));
    const std::string part =
        tls_test::pattern(cut, 1);  // looks like nothing, but is not yet looked at
    if (cut > 0) {
      const std::string record = std::string("\x17\x03\x03\x00\x40", 5) + part;
      static_cast<void>(write_text(*link.server_transport, record.substr(0, cut)));
    }
    link.server_transport->shutdown_write();
    world.loop.end_turn();
    REQUIRE(link.client.received == "whole");
    REQUIRE(link.client.read_end == net::ReadEnd::truncated);
    REQUIRE(!link.client.error.has_value());
  }
}

TEST_CASE("a forged record is an error, after what came before it") {
  World world(1, tls::Version::tls13, {.capacity_bytes = 1'000'000, .random = false});
  Link link(world.network, world.client, *world.server);
  link.read_both();
  world.loop.end_turn();
  static_cast<void>(write_text(*link.server_stream, "true"));
  static_cast<void>(write_text(*link.server_transport,
                               std::string("\x17\x03\x03\x00\x40", 5) + tls_test::pattern(64, 3)));
  world.loop.end_turn();
  REQUIRE(link.client.received == "true");
  REQUIRE(link.client.error.has_value());
  REQUIRE(link.client.error->code == base::Code::tls);
  REQUIRE(link.client.error->side == base::Side::upstream);
  // The alert has reached the other side, as our own error there.
  REQUIRE(link.server.error.has_value());
  // What is written to a dead stream is discarded, as the contract says.
  REQUIRE(write_text(*link.client_stream, "more") == net::Flow::go);
}

TEST_CASE("a reset by the network passes through") {
  World world(1);
  Link link(world.network, world.client, *world.server);
  link.read_both();
  world.loop.end_turn();
  link.client_transport->cut();
  world.loop.end_turn();
  REQUIRE(link.client.error.has_value());
  REQUIRE(link.client.error->code == base::Code::reset);
}

TEST_CASE("a stream may be closed, or die by the graveyard, within any callback") {
  struct Owner final : net::Buried {
    std::unique_ptr<Link> link;
  };
  enum class Where { ready, bytes };
  for (const Where where : {Where::ready, Where::bytes}) {
    for (uint64_t seed = 1; seed <= 10; ++seed) {
      World world(seed);
      auto owner = std::make_unique<Owner>();
      owner->link = std::make_unique<Link>(world.network, world.client, *world.server);
      Link& link = *owner->link;
      int after = 0;
      bool closed = false;
      const auto close = [&] {
        after += closed ? 1 : 0;
        closed = true;
        link.client_stream->close();
        if (owner != nullptr) world.loop.bury(std::move(owner));
      };
      link.server.on_ready = [&] {
        static_cast<void>(write_text(*link.server_stream, tls_test::pattern(200'000, 1)));
      };
      if (where == Where::ready) link.client.on_ready = close;
      if (where == Where::bytes)
        link.client.on_bytes = [&](base::Bytes) {
          close();
        };
      link.read_both();
      world.loop.end_turn();
      REQUIRE(closed);
      REQUIRE(after == 0);
    }
  }
}

}  // namespace
