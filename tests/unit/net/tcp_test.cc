// Tcp over real sockets, TCP and unix, with raw blocking sockets at the other end.

#include "net/tcp.h"

#include <algorithm>
#include <csignal>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "base/bytes.h"
#include "recorder.h"
#include "sockets.h"

using net_test::Kind;
using net_test::Recorder;
using net_test::run_until;
using net_test::Wire;

namespace {

// What main() does for the proxy.
const auto ignored = std::signal(SIGPIPE, SIG_IGN);

net::Flow write(net::Tcp& tcp, std::string_view text) {
  const base::Bytes piece = base::as_bytes(text);
  return tcp.write({&piece, 1});
}

std::string random_text(size_t size, unsigned seed) {
  std::mt19937 random(seed);
  std::string text(size, '\0');
  for (char& c : text)
    c = static_cast<char>(random());
  return text;
}

// Fills the kernel's buffers until a megabyte waits here: somebody not reading at the other end.
void stuff(net::Tcp& tcp) {
  const std::string megabyte(1 << 20, 'x');
  net::Flow flow = net::Flow::go;
  for (int i = 0; i < 64 && tcp.queued_bytes() < megabyte.size(); ++i)
    flow = write(tcp, megabyte);
  REQUIRE(flow == net::Flow::full);
  REQUIRE(tcp.queued_bytes() >= megabyte.size());
}

const auto kinds = {Kind::tcp, Kind::unix_socket};

}  // namespace

TEST_CASE("bytes and the end arrive, and the other half stays open") {
  for (const Kind kind : kinds) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, kind);
    wire.tcp->set_listener(heard);
    net_test::send_all(wire.raw, "hello");
    net_test::run_ready(loop);
    CHECK(heard.total == 0);  // not reading yet
    wire.tcp->set_reading(true);
    run_until(loop, [&] { return heard.text == "hello"; });
    ::shutdown(wire.raw.get(), SHUT_WR);
    run_until(loop, [&] { return heard.ends == 1; });
    CHECK(write(*wire.tcp, "bye") == net::Flow::go);
    wire.tcp->shutdown_write();
    CHECK(net_test::receive_all(wire.raw) == "bye");
    wire.tcp->set_reading(false);
    wire.tcp->set_reading(true);
    net_test::run_ready(loop);
    CHECK(heard.ends == 1);
    CHECK(heard.errors.empty());
  }
}

TEST_CASE("a socket that has plenty lets others have their turn") {
  net::UvLoop loop;
  Recorder heard;
  Recorder other;
  Wire one(loop, Kind::unix_socket);
  Wire two(loop, Kind::unix_socket);
  one.tcp->set_listener(heard);
  two.tcp->set_listener(other);
  const std::string text(100'000, 'x');
  net_test::send_all(one.raw, text);
  net_test::send_all(two.raw, text);
  // As if very many had.
  for (int i = 0; i < 10'000; ++i)
    loop.count_plenty();
  size_t farthest = 0;
  const auto compare = [&] {
    const auto [less, more] = std::minmax({heard.text.size(), other.text.size()});
    farthest = std::max(farthest, more - less);
  };
  heard.then_read = compare;
  other.then_read = compare;
  one.tcp->set_reading(true);
  two.tcp->set_reading(true);
  run_until(loop, [&] { return heard.text == text && other.text == text; });
  CHECK(farthest == net::Loop::read_burst_bytes_min);
}

TEST_CASE("not reading within on_read stops at once; what waits comes later") {
  for (const Kind kind : kinds) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, kind);
    wire.tcp->set_listener(heard);
    wire.tcp->set_reading(true);
    heard.then_read = [&] {
      wire.tcp->set_reading(false);
    };
    const std::string sent = random_text(100'000, 1);
    std::thread sender([&] {
      net_test::send_all(wire.raw, sent);
      ::shutdown(wire.raw.get(), SHUT_WR);
    });
    int resumed = 0;
    while (heard.ends == 0) {
      const int reads = heard.reads;
      run_until(loop, [&] { return heard.reads > reads || heard.ends > 0; });
      CHECK(heard.reads <= reads + 1);
      net_test::run_ready(loop);
      CHECK(heard.reads <= reads + 1);
      wire.tcp->set_reading(true);
      ++resumed;
    }
    CHECK(resumed >= 2);
    CHECK(heard.text == sent);
    sender.join();
  }
}

TEST_CASE("order and bounds hold toward a slow reader; the FIN comes after the queue") {
  for (const Kind kind : kinds) {
    for (const size_t piece_max : {size_t{700}, size_t{300'000}}) {
      net::UvLoop loop;
      Recorder heard;
      Wire wire(loop, kind);
      wire.tcp->set_listener(heard);
      const std::string sent = random_text(8 << 20, 2);
      std::string received;
      std::thread reader;  // begins when nothing fits any more
      std::mt19937 random(3);
      size_t at = 0;
      size_t queued_max = 0;
      int fulls = 0;
      std::function<void()> produce = [&] {
        const Recorder::Quiet quiet(heard);
        while (at < sent.size()) {
          // Up to nine pieces at once, empty ones among them.
          std::vector<base::Bytes> pieces;
          for (size_t i = random() % 9; i > 0; --i) {
            const size_t size = std::min<size_t>(random() % piece_max, sent.size() - at);
            pieces.push_back(base::as_bytes(std::string_view(sent).substr(at, size)));
            at += size;
          }
          const net::Flow flow = wire.tcp->write(pieces);
          queued_max = std::max(queued_max, wire.tcp->queued_bytes());
          if (flow == net::Flow::full) {
            if (++fulls > 1) return;
            reader = std::thread([&] { received = net_test::receive_all(wire.raw, 10'000); });
            return;
          }
        }
        wire.tcp->shutdown_write();
      };
      heard.then_drained = [&] {
        CHECK(wire.tcp->queued_bytes() <= net::ByteStream::queue_bytes_high / 2);
        produce();
      };
      produce();
      run_until(loop, [&] { return at == sent.size() && wire.tcp->queued_bytes() == 0; });
      REQUIRE(fulls > 0);
      reader.join();
      CHECK((received == sent));
      CHECK(heard.drained == fulls);
      CHECK(queued_max <= net::ByteStream::queue_bytes_high + 9 * piece_max);
      CHECK(heard.total == heard.drained);
    }
  }
}

TEST_CASE("where memory is tight the first byte queued is one too many, until none is") {
  for (const Kind kind : kinds) {
    net::UvLoop loop;
    base::MemoryLimit memory;
    net::Deferred relief(nullptr, [](void*) {});
    memory.set(1);
    loop.watch_memory(memory, relief);
    Recorder heard;
    Wire wire(loop, kind);
    wire.tcp->set_listener(heard);
    const std::string piece(1000, 'x');
    size_t written = 0;
    net::Flow flow = net::Flow::go;
    while (flow == net::Flow::go) {
      CHECK(wire.tcp->queued_bytes() == 0);
      flow = write(*wire.tcp, piece);
      written += piece.size();
    }
    CHECK(wire.tcp->queued_bytes() > 0);
    CHECK(wire.tcp->queued_bytes() <= piece.size());
    heard.then_drained = [&] {
      CHECK(wire.tcp->queued_bytes() == 0);
      wire.tcp->shutdown_write();
    };
    std::string received;
    std::thread reader([&] { received = net_test::receive_all(wire.raw); });
    run_until(loop, [&] { return heard.drained == 1; });
    reader.join();
    CHECK(received.size() == written);
  }
}

namespace {

// As if many slow sides held all the room there is for queues.
class Crowd {
 public:
  explicit Crowd(base::BlockPool& pool) : pool_(pool) {
    while (pool.bytes_in_use() < net::Loop::queues_bytes_max)
      blocks_.push_back(pool.take());
  }
  ~Crowd() {
    for (base::BlockPool::Block* block : blocks_)
      pool_.give_back(block);
  }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;
  Crowd(Crowd&&) = delete;
  Crowd& operator=(Crowd&&) = delete;

 private:
  base::BlockPool& pool_;
  std::vector<base::BlockPool::Block*> blocks_;
};

}  // namespace

TEST_CASE("in a crowd of slow sides a queue is full at once, and drained once it is empty") {
  for (const Kind kind : kinds) {
    net::UvLoop loop;
    const Crowd crowd(loop.blocks());
    Recorder heard;
    Wire wire(loop, kind);
    wire.tcp->set_listener(heard);
    const std::string piece(1000, 'x');
    while (write(*wire.tcp, piece) == net::Flow::go)
      CHECK(wire.tcp->queued_bytes() == 0);
    CHECK(wire.tcp->is_full());
    CHECK(wire.tcp->queued_bytes() <= piece.size());
    heard.then_drained = [&] {
      CHECK(wire.tcp->queued_bytes() == 0);
      CHECK_FALSE(wire.tcp->is_full());
      wire.tcp->shutdown_write();
    };
    std::thread reader([&] { net_test::receive_all(wire.raw); });
    run_until(loop, [&] { return heard.drained == 1; });
    reader.join();
  }
}

TEST_CASE("in a crowd little is read at once, but for who took much without letting us wait") {
  net::UvLoop loop;
  const Crowd crowd(loop.blocks());
  Recorder heard;
  Wire wire(loop, Kind::unix_socket);
  wire.tcp->set_listener(heard);
  constexpr size_t total = 8 << 20;
  std::thread sender([&] { net_test::send_all(wire.raw, std::string(total, 'x')); });
  size_t before = 0;
  size_t largest_of_new = 0;
  size_t largest_of_fast = 0;
  heard.then_read = [&] {
    const size_t size = heard.text.size() - before;
    size_t& largest = before < (4U << 20) ? largest_of_new : largest_of_fast;
    largest = std::max(largest, size);
    before = heard.text.size();
  };
  wire.tcp->set_reading(true);
  run_until(loop, [&] { return heard.text.size() == total; });
  sender.join();
  CHECK(largest_of_new <= net::Loop::read_bytes_min);
  CHECK(largest_of_fast > net::Loop::read_bytes_min);
  // Who lets us wait is slow until it has taken as much again.
  wire.tcp->set_reading(false);
  net::Deadline waited(loop.timers(), &before, [](void* size) { *static_cast<size_t*>(size) = 0; });
  waited.set(100);
  run_until(loop, [&] { return before == 0; });
  before = heard.text.size();
  largest_of_fast = 0;
  std::thread again([&] { net_test::send_all(wire.raw, std::string(1 << 20, 'x')); });
  wire.tcp->set_reading(true);
  run_until(loop, [&] { return heard.text.size() == total + (1 << 20); });
  again.join();
  CHECK(largest_of_fast <= net::Loop::read_bytes_min);
}

namespace {

enum class Moment : uint8_t { read, end, drained };

void destroy_within(Kind kind, Moment moment) {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, kind);
  wire.tcp->set_listener(heard);
  wire.tcp->set_reading(true);
  stuff(*wire.tcp);
  const auto die = [&] {
    wire.tcp.reset();
  };
  std::thread reader;
  switch (moment) {
    case Moment::read:
      heard.then_read = die;
      net_test::send_all(wire.raw, std::string(10, 'x'));
      break;
    case Moment::end:
      heard.then_end = die;
      ::shutdown(wire.raw.get(), SHUT_WR);
      break;
    case Moment::drained:
      heard.then_drained = die;
      reader = std::thread([&] { net_test::receive_all(wire.raw); });
      break;
  }
  run_until(loop, [&] { return wire.tcp == nullptr; });
  if (reader.joinable()) reader.join();
  const int total = heard.total;
  net_test::run_ready(loop);
  CHECK(heard.total == total);
  CHECK(loop.blocks().bytes_in_use() == 0);
}

}  // namespace

TEST_CASE("destroyed within any callback of its own, megabytes in flight") {
  for (const Kind kind : kinds) {
    for (const Moment moment : {Moment::read, Moment::end, Moment::drained}) {
      destroy_within(kind, moment);
    }
  }
}

TEST_CASE("a reset is heard once, also with megabytes in flight") {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, Kind::tcp);
  wire.tcp->set_listener(heard);
  wire.tcp->set_reading(true);
  bool destroy = false;
  SUBCASE("nothing queued") {}
  SUBCASE("a queue") {
    stuff(*wire.tcp);
  }
  SUBCASE("destroyed within on_error") {
    stuff(*wire.tcp);
    destroy = true;
  }
  heard.then_error = [&] {
    if (destroy) wire.tcp.reset();
  };
  net_test::reset_connection(wire.raw);
  run_until(loop, [&] { return !heard.errors.empty(); });
  CHECK(heard.errors[0].code == base::Code::reset);
  CHECK(heard.errors[0].side == base::Side::client);
  CHECK(heard.errors[0].raw == UV_ECONNRESET);
  net_test::run_ready(loop);
  CHECK(heard.errors.size() == 1);
  if (destroy) return;
  CHECK(write(*wire.tcp, "more") == net::Flow::go);
}

TEST_CASE("a reset behind bytes not yet read is no clean end") {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, Kind::tcp);
  wire.tcp->set_listener(heard);
  net_test::send_all(wire.raw, "half a mess");
  net_test::reset_connection(wire.raw);
  wire.tcp->set_reading(true);
  run_until(loop, [&] { return heard.ends + static_cast<int>(heard.errors.size()) > 0; });
  CHECK(heard.ends == 0);
  REQUIRE(heard.errors.size() == 1);
  CHECK(heard.errors[0].code == base::Code::reset);
}

TEST_CASE("writing to a closed peer is an on_write_error, told later, and what it sent is heard") {
  for (const Kind kind : kinds) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, kind);
    wire.tcp->set_listener(heard);
    heard.then_write_error = [&] {
      CHECK(write(*wire.tcp, "discarded") == net::Flow::go);
      CHECK(wire.tcp->queued_bytes() == 0);
    };
    net_test::send_all(wire.raw, "last words");
    wire.raw.reset();
    // The first bytes may only provoke the RST that the next ones meet.
    for (int i = 0; i < 10 && heard.write_errors.empty(); ++i) {
      {
        const Recorder::Quiet quiet(heard);
        CHECK(write(*wire.tcp, "to nobody") == net::Flow::go);
      }
      net_test::run_ready(loop);
    }
    CHECK(heard.write_errors.size() == 1);
    CHECK(heard.write_errors[0].code == base::Code::reset);
    wire.tcp->shutdown_write();
    wire.tcp->set_reading(true);
    run_until(loop, [&] { return heard.ends + static_cast<int>(heard.errors.size()) == 1; });
    // A TCP reset may have thrown away what was not read; a unix socket never does.
    if (kind == Kind::unix_socket) CHECK(heard.text == "last words");
  }
}

TEST_CASE("a write in flight that fails is an on_write_error") {
  for (const bool destroy : {false, true}) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, Kind::tcp);
    wire.tcp->set_listener(heard);
    stuff(*wire.tcp);
    heard.then_write_error = [&] {
      if (destroy) wire.tcp.reset();
    };
    wire.tcp->shutdown_write();
    net_test::reset_connection(wire.raw);
    run_until(loop, [&] { return !heard.write_errors.empty(); });
    CHECK(heard.write_errors[0].code == base::Code::reset);
    CHECK(heard.total == 1);
    CHECK(loop.blocks().bytes_in_use() == 0);
  }
}

TEST_CASE("what the other end took is not refused, what came behind its end is") {
  enum class Other { reads_and_closes, reads_and_resets, closes, resets, half_closes };
  struct Case {
    const char* what;
    Other other;
    bool refused;
  };
  for (const Case& c : {Case{"reads and closes", Other::reads_and_closes, false},
                        Case{"reads and resets", Other::reads_and_resets, false},
                        Case{"closed before", Other::closes, true},
                        Case{"reset before", Other::resets, true},
                        Case{"half-closed before, and reads", Other::half_closes, false}}) {
    CAPTURE(c.what);
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, Kind::tcp);
    wire.tcp->set_listener(heard);
    CHECK(write(*wire.tcp, "earlier") == net::Flow::go);
    CHECK(net_test::receive(wire.raw, 7) == "earlier");
    const uint64_t mark = wire.tcp->sent_bytes();
    CHECK(mark == 7);
    CHECK(wire.tcp->has_refused_since(mark));
    if (c.other == Other::closes) wire.raw.reset();
    if (c.other == Other::resets) net_test::reset_connection(wire.raw);
    if (c.other == Other::half_closes) ::shutdown(wire.raw.get(), SHUT_WR);
    CHECK(write(*wire.tcp, "request") == net::Flow::go);
    if (wire.raw.get() >= 0) CHECK(net_test::receive(wire.raw, 7) == "request");
    if (c.other == Other::reads_and_closes) wire.raw.reset();
    if (c.other == Other::reads_and_resets) net_test::reset_connection(wire.raw);
    wire.tcp->set_reading(true);
    run_until(loop, [&] { return heard.ends + static_cast<int>(heard.errors.size()) == 1; });
    CHECK(wire.tcp->has_refused_since(mark) == c.refused);
  }
}

TEST_CASE("close: twice is fine, nothing is heard after, what was queued is dropped") {
  for (const Kind kind : kinds) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, kind);
    wire.tcp->set_listener(heard);
    wire.tcp->set_reading(true);
    net_test::send_all(wire.raw, "unheard");
    stuff(*wire.tcp);
    wire.tcp->close();
    CHECK(wire.tcp->queued_bytes() == 0);
    CHECK(loop.blocks().bytes_in_use() == 0);
    CHECK(write(*wire.tcp, "discarded") == net::Flow::go);
    wire.tcp->set_reading(true);
    wire.tcp->shutdown_write();
    wire.tcp->close();
    loop.run();
    CHECK(heard.total == 0);
  }
}

TEST_CASE("an accepted connection costs little") {
  // The bar is memory per open stream: the socket's share of it.
  CHECK(sizeof(net::Tcp) <= 272);
}
