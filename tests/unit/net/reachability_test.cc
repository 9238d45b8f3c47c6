// Networks that are gone, and those that only seem so: a socket filter that drops all that arrives
// makes the other end acknowledge nothing, as if its machine were gone.

#include "net/reachability.h"

#include <chrono>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <sys/socket.h>

#include <doctest/doctest.h>

#include "net/listener.h"
#include "recorder.h"
#include "sockets.h"

using net_test::Kind;
using net_test::Recorder;
using net_test::run_until;
using net_test::Wire;

namespace {

constexpr net::UnreachableMs soon_ms = 100;

void vanish(const base::Fd& socket) {
  sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{.len = 1, .filter = &drop};
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
}

void come_back(const base::Fd& socket) {
  const int none = 0;
  REQUIRE(::setsockopt(socket.get(), SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none) == 0);
}

void write(net::Tcp& tcp, std::string_view text) {
  const base::Bytes piece = base::as_bytes(text);
  static_cast<void>(tcp.write({&piece, 1}));
}

void run_for(net::UvLoop& loop, uint64_t duration_ms) {
  net::Deadline* ended = nullptr;
  net::Deadline deadline(
      loop.timers(), &ended, [](void* self) { *static_cast<net::Deadline**>(self) = nullptr; });
  ended = &deadline;
  deadline.set(duration_ms);
  run_until(loop, [&] { return ended == nullptr; });
}

int option(int socket, int level, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  REQUIRE(::getsockopt(socket, level, name, &value, &size) == 0);
  return value;
}

// What the kernel does with a connection that is silent, in seconds.
struct Probes {
  int idle_s;
  int interval_s;
  int count;
  bool operator==(const Probes&) const = default;
};

Probes probes_of(int socket) {
  return {option(socket, IPPROTO_TCP, TCP_KEEPIDLE),
          option(socket, IPPROTO_TCP, TCP_KEEPINTVL),
          option(socket, IPPROTO_TCP, TCP_KEEPCNT)};
}

}  // namespace

TEST_CASE("what is sent and never acknowledged: the other end is unreachable, read or not") {
  for (const bool is_reading : {true, false}) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, Kind::tcp, soon_ms);
    wire.tcp->set_listener(heard);
    wire.tcp->set_reading(is_reading);
    vanish(wire.raw);
    write(*wire.tcp, "to nobody");
    run_until(loop, [&] { return heard.total > 0; });
    REQUIRE(heard.errors.size() == 1);
    CHECK(heard.errors[0].code == base::Code::unreachable);
    CHECK(heard.errors[0].side == base::Side::client);
    CHECK(heard.errors[0].raw == UV_ETIMEDOUT);
    wire.tcp->set_reading(true);
    write(*wire.tcp, "discarded");
    run_for(loop, 2 * soon_ms);
    CHECK(heard.total == 1);
  }
}

TEST_CASE("also with bytes of which the kernel took no more, and destroyed within on_error") {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, Kind::tcp, soon_ms);
  wire.tcp->set_listener(heard);
  vanish(wire.raw);
  const std::string megabyte(1 << 20, 'x');
  while (wire.tcp->queued_bytes() < megabyte.size())
    write(*wire.tcp, megabyte);
  heard.then_error = [&] {
    wire.tcp.reset();
  };
  run_until(loop, [&] { return heard.total > 0; });
  CHECK(heard.errors.size() == 1);
  net_test::run_ready(loop);
  CHECK(loop.blocks().bytes_in_use() == 0);
}

TEST_CASE("who is there and does not read is reachable, however long") {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, Kind::tcp, soon_ms);
  wire.tcp->set_listener(heard);
  const std::string megabyte(1 << 20, 'x');
  while (wire.tcp->queued_bytes() < megabyte.size())
    write(*wire.tcp, megabyte);
  run_for(loop, 5 * soon_ms);
  CHECK(heard.total == 0);
}

TEST_CASE("a network that comes back in time was never gone") {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, Kind::tcp, 10'000);
  wire.tcp->set_listener(heard);
  vanish(wire.raw);
  write(*wire.tcp, "late");
  run_for(loop, soon_ms);
  come_back(wire.raw);
  std::string received(4, '\0');
  REQUIRE(::recv(wire.raw.get(), received.data(), received.size(), MSG_WAITALL) == 4);
  CHECK(received == "late");
  CHECK(heard.total == 0);
}

TEST_CASE("silence after an acknowledgement is nobody's business here, nor is a unix socket") {
  for (const Kind kind : {Kind::tcp, Kind::unix_socket}) {
    net::UvLoop loop;
    Recorder heard;
    Wire wire(loop, kind, soon_ms);
    wire.tcp->set_listener(heard);
    wire.tcp->set_reading(true);
    write(*wire.tcp, "to somebody");
    run_for(loop, 2 * soon_ms);
    write(*wire.tcp, "again");
    run_for(loop, 2 * soon_ms);
    CHECK(heard.total == 0);
  }
}

TEST_CASE("the kernel probes who is silent: within the time, and at least every minute") {
  const base::Fd socket(::socket(AF_INET6, SOCK_STREAM, 0));
  const auto set = [&](net::UnreachableMs unreachable_ms) {
    net::set_probes(socket.get(), unreachable_ms);
    CHECK((option(socket.get(), SOL_SOCKET, SO_KEEPALIVE) != 0) == (unreachable_ms != 0));
    return probes_of(socket.get());
  };
  CHECK((set(12'000) == Probes{6, 2, 3}));
  CHECK((set(60'000) == Probes{30, 10, 3}));
  CHECK((set(1) == Probes{1, 1, 1}));
  CHECK((set(3'600'000) == Probes{60, 60, 59}));
  CHECK((set(7 * 24 * 3'600'000) == Probes{60, 4761, 127}));
  static_cast<void>(set(0));
}

TEST_CASE("who is accepted is probed as the listener says, without a word of its own") {
  for (const char* host : {"127.0.0.1", "::1"}) {
    auto bound = net::bind_listener({.host = host, .port = 0, .unix_path = {}}, 1);
    REQUIRE(bound);
    net::UvLoop loop;
    std::vector<base::Fd> accepted;
    net::Listener listener(
        loop, std::move(bound->sockets[0]), [&](base::Fd connection, const net::Address&) {
          accepted.push_back(std::move(connection));
        });
    const base::Fd before = net_test::connect_to(host, bound->address.port);
    run_until(loop, [&] { return accepted.size() == 1; });
    CHECK(option(accepted[0].get(), SOL_SOCKET, SO_KEEPALIVE) == 0);
    listener.probe(60'000);
    const base::Fd after = net_test::connect_to(host, bound->address.port);
    run_until(loop, [&] { return accepted.size() == 2; });
    CHECK(option(accepted[1].get(), SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK((probes_of(accepted[1].get()) == Probes{30, 10, 3}));
    listener.close();
    listener.probe(1);
  }
}

TEST_CASE("how long the other end may be unreachable can be set anew") {
  net::UvLoop loop;
  Recorder heard;
  constexpr net::UnreachableMs late_ms = 3'600'000;
  Wire wire(loop, Kind::tcp, late_ms);
  wire.tcp->set_listener(heard);
  vanish(wire.raw);
  write(*wire.tcp, "to nobody");  // is looked at in twenty minutes
  wire.tcp->set_unreachable(soon_ms);
  run_until(loop, [&] { return heard.total > 0; });
  REQUIRE(heard.errors.size() == 1);
  CHECK(heard.errors[0].code == base::Code::unreachable);
}

TEST_CASE("and left to the system") {
  net::UvLoop loop;
  Recorder heard;
  Wire wire(loop, Kind::tcp, soon_ms);
  wire.tcp->set_listener(heard);
  vanish(wire.raw);
  write(*wire.tcp, "to nobody");
  wire.tcp->set_unreachable(0);
  run_for(loop, 4 * soon_ms);
  CHECK(heard.total == 0);
}
