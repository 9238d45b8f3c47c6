// The in-memory streams keep the contract of Tcp, under many seeds.

#include "support/memory_stream.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "recorder.h"

using net_test::Recorder;
using test::MemoryNetwork;
using test::MemoryStream;

namespace {

constexpr uint64_t seeds = 60;

std::string random_text(size_t size, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random());
  return text;
}

net::Flow write(MemoryStream& stream, std::string_view text) {
  const base::Bytes piece = base::as_bytes(text);
  return stream.write({&piece, 1});
}

// Sends a text as fast as Flow allows, then ends.
struct Sender {
  Sender(MemoryNetwork& network, MemoryStream& stream, Recorder& recorder, std::string what)
      : random(network), out(stream), heard(recorder), text(std::move(what)) {
    heard.then_drained = [this] {
      produce();
    };
  }
  void produce() {
    const Recorder::Quiet quiet(heard);
    while (at < text.size()) {
      const size_t size = std::min<size_t>(random.random_below(90'000), text.size() - at);
      const net::Flow flow = write(out, std::string_view(text).substr(at, size));
      at += size;
      CHECK(out.queued_bytes() <= net::ByteStream::queue_bytes_high + 90'000);
      if (flow == net::Flow::full) return;
    }
    out.shutdown_write();
  }
  MemoryNetwork& random;
  MemoryStream& out;
  Recorder& heard;
  std::string text;
  size_t at = 0;
};

}  // namespace

TEST_CASE("bytes arrive whole and in order both ways, then the ends") {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    net::Loop loop;
    MemoryNetwork network(loop, seed, {.capacity_bytes = 1 + seed * 700, .random = seed % 2 == 0});
    auto [one, two] = network.make_connecting_pair(base::Side::upstream, base::Side::none);
    Recorder heard_one;
    Recorder heard_two;
    one->set_listener(heard_one);
    two->set_listener(heard_two);
    one->set_reading(true);
    two->set_reading(true);
    const size_t size = seed < 5 ? 2'000 : 250'000;
    Sender from_one(network, *one, heard_one, random_text(size, seed));
    Sender from_two(network, *two, heard_two, random_text(size, seed + 1));
    heard_one.then_connected = [&] {
      from_one.produce();
    };
    // Pauses now and then.
    heard_two.then_read = [&, stream = two.get()] {
      if (network.random_below(3) == 0) stream->set_reading(false);
    };
    from_two.produce();
    CHECK(heard_one.total + heard_two.total == 0);
    while (loop.turn_pending()) {
      loop.end_turn();
      two->set_reading(true);
    }
    CHECK(heard_one.connected == 1);
    CHECK((heard_two.text == from_one.text));
    CHECK((heard_one.text == from_two.text));
    CHECK(heard_one.ends == 1);
    CHECK(heard_two.ends == 1);
    CHECK(heard_one.errors.size() + heard_two.errors.size() == 0);
    CHECK(one->queued_bytes() + two->queued_bytes() == 0);
  }
}

TEST_CASE("a connection that fails says so and nothing else") {
  net::Loop loop;
  MemoryNetwork network(loop, 1);
  const auto stream = network.make_failing({base::Code::dns, base::Side::upstream, -1});
  Recorder heard;
  stream->set_listener(heard);
  stream->set_reading(true);
  loop.end_turn();
  REQUIRE(heard.errors.size() == 1);
  CHECK(heard.errors[0].code == base::Code::dns);
  CHECK(heard.total == 1);
}

TEST_CASE("a cut is a reset at both ends, once") {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    net::Loop loop;
    MemoryNetwork network(loop, seed);
    auto [one, two] = network.make_pair(base::Side::client, base::Side::upstream);
    Recorder heard_one;
    Recorder heard_two;
    one->set_listener(heard_one);
    two->set_listener(heard_two);
    one->set_reading(true);
    two->set_reading(true);
    static_cast<void>(write(*one, random_text(300'000, seed)));
    heard_two.then_read = [&network, stream = one.get()] {
      if (network.random_below(4) == 0) stream->cut();
    };
    loop.end_turn();
    if (heard_two.errors.empty()) one->cut();
    loop.end_turn();
    for (const Recorder* heard : {&heard_one, &heard_two}) {
      REQUIRE(heard->errors.size() == 1);
      CHECK(heard->errors[0].code == base::Code::reset);
      CHECK(heard->ends == 0);
    }
    CHECK(heard_one.errors[0].side == base::Side::client);
  }
}

TEST_CASE("closing with bytes unread resets the other end; without, it is an end") {
  for (const bool unread : {false, true}) {
    net::Loop loop;
    MemoryNetwork network(loop, 7);
    auto [one, two] = network.make_pair(base::Side::client, base::Side::upstream);
    Recorder heard;
    one->set_listener(heard);
    one->set_reading(true);
    static_cast<void>(write(*two, "last words"));
    if (unread) static_cast<void>(write(*one, "never read"));
    two.reset();
    loop.end_turn();
    CHECK(heard.ends == (unread ? 0 : 1));
    CHECK(heard.errors.size() == (unread ? 1 : 0));
    if (!unread) CHECK(heard.text == "last words");
  }
}

TEST_CASE("writing to nobody is an on_write_error, told later") {
  net::Loop loop;
  MemoryNetwork network(loop, 3);
  auto [one, two] = network.make_pair(base::Side::client, base::Side::upstream);
  Recorder heard;
  one->set_listener(heard);
  two.reset();
  {
    const Recorder::Quiet quiet(heard);
    CHECK(write(*one, "hello") == net::Flow::go);
  }
  loop.end_turn();
  REQUIRE(heard.write_errors.size() == 1);
  CHECK(one->queued_bytes() == 0);
  CHECK(write(*one, "discarded") == net::Flow::go);
  loop.end_turn();
  CHECK(heard.total == 1);
}

TEST_CASE("destroyed within any callback") {
  for (uint64_t seed = 0; seed < seeds; ++seed) {
    CAPTURE(seed);
    net::Loop loop;
    MemoryNetwork network(loop, seed, {.capacity_bytes = 10'000});
    auto [first, second] = network.make_connecting_pair(base::Side::client, base::Side::upstream);
    std::unique_ptr<MemoryStream> one = std::move(first);
    std::unique_ptr<MemoryStream> two = std::move(second);
    Recorder heard;
    Recorder heard_two;
    one->set_listener(heard);
    two->set_listener(heard_two);
    one->set_reading(true);
    two->set_reading(true);
    const auto maybe_die = [&] {
      if (network.random_below(3) == 0) one.reset();
    };
    heard.then_read = heard.then_drained = maybe_die;
    heard.then_connected = [&] {
      static_cast<void>(write(*one, random_text(400'000, seed)));
      maybe_die();
    };
    heard.then_end = heard.then_error = [&] {
      one.reset();
    };
    static_cast<void>(write(*two, random_text(50'000, seed)));
    two->shutdown_write();
    loop.end_turn();
    CHECK(one == nullptr);
    CHECK(heard_two.ends + static_cast<int>(heard_two.errors.size()) == 1);
  }
}
