// Binding and accepting: what goes wrong is said, nobody is lost, nothing spins.

#include "net/listener.h"

#include <cerrno>
#include <functional>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <vector>

#include <doctest/doctest.h>

#include "recorder.h"
#include "sockets.h"
#include "support/files.h"

using net::bind_listener;
using net_test::run_ready;
using net_test::run_until;

namespace {

const net::ListenAddress loopback{"127.0.0.1", 0, {}};

net::BoundSockets bind(const net::ListenAddress& address, size_t count = 1) {
  auto bound = bind_listener(address, count);
  REQUIRE_MESSAGE(bound, bound.error());
  return *std::move(bound);
}

std::string bind_error(const net::ListenAddress& address) {
  auto bound = bind_listener(address, 1);
  REQUIRE(!bound);
  return bound.error();
}

base::Fd connect_unix(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  base::Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return socket;
}

// A listener on loopback and what it accepted.
struct Listening {
  explicit Listening(const net::ListenAddress& address = loopback) : bound(bind(address)) {
    listener = std::make_unique<net::Listener>(
        loop,
        std::move(bound.sockets[0]),
        [this](base::Fd socket, const net::Address& peer) {
          auto tcp = net::Tcp::open(loop, std::move(socket), peer, base::Side::client);
          REQUIRE(tcp);
          accepted.push_back(*std::move(tcp));
          if (then) then();
        },
        [this] { ++shortages; });
  }
  base::Fd connect() const { return net_test::connect_to("127.0.0.1", bound.address.port); }

  net::UvLoop loop;
  net::BoundSockets bound;
  std::vector<std::unique_ptr<net::Tcp>> accepted;
  std::unique_ptr<net::Listener> listener;
  std::function<void()> then;
  int shortages = 0;
};

}  // namespace

TEST_CASE("addresses as text") {
  CHECK(net::ListenAddress{"0.0.0.0", 8080, {}}.text() == "0.0.0.0:8080");
  CHECK(net::ListenAddress{"::", 80, {}}.text() == "[::]:80");
  CHECK(net::ListenAddress{"", 0, "/run/x.sock"}.text() == "unix:/run/x.sock");
}

TEST_CASE("port 0: the system chooses one for all workers") {
  const net::BoundSockets bound = bind(loopback, 3);
  CHECK(bound.address.port != 0);
  REQUIRE(bound.sockets.size() == 3);
  for (const base::Fd& socket : bound.sockets)
    CHECK(net_test::port_of(socket) == bound.address.port);
}

TEST_CASE("IPv6 is IPv6 only") {
  const net::BoundSockets six = bind({"::", 0, {}});
  const net::BoundSockets four = bind({"0.0.0.0", six.address.port, {}});
  CHECK(four.address.port == six.address.port);
}

TEST_CASE("an address in use, of another machine or no address at all is refused with a reason") {
  const net::BoundSockets bound = bind(loopback, 2);
  const std::string port = std::to_string(bound.address.port);
  // Also by ourselves, in spite of SO_REUSEPORT.
  CHECK(bind_error(bound.address) == "cannot listen on 127.0.0.1:" + port +
                                         ": address already in use (another program listens "
                                         "there: `ss -ltnp \"sport = :" +
                                         port +
                                         "\"` shows which; stop it, or listen on another port)");
  CHECK(bind_error({"192.0.2.99", 0, {}}).find("no network interface of this machine has it") !=
        std::string::npos);
  CHECK(bind_error({"example.test", 80, {}}) ==
        "cannot listen on example.test:80: not a literal IPv4 or IPv6 address");
}

TEST_CASE("unix sockets: mode, leftovers, files in the way") {
  const test::TemporaryFolder folder;
  const net::ListenAddress address{"", 0, folder / "proxy.sock"};
  net::BoundSockets bound = bind(address, 2);
  CHECK(bound.sockets.size() == 2);
  struct stat found {};
  REQUIRE(::stat(address.unix_path.c_str(), &found) == 0);
  CHECK((found.st_mode & 07777) == 0660);
  CHECK(bind_error(address).find("another program listens there") != std::string::npos);
  // Left over by a crash: nobody answers.
  bound.sockets.clear();
  bound = bind(address);
  bound.sockets.clear();
  net::remove_socket_file(address);
  CHECK(::stat(address.unix_path.c_str(), &found) != 0);

  const net::ListenAddress file{"", 0, folder / "precious"};
  const base::Fd precious(::open(file.unix_path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  REQUIRE(precious);
  CHECK(bind_error(file).find("file exists") != std::string::npos);
  net::remove_socket_file(file);
  CHECK(::stat(file.unix_path.c_str(), &found) == 0);
  CHECK(bind_error({"", 0, folder / "no/such/folder"}).find("no such file") != std::string::npos);
  CHECK(bind_error({"", 0, '/' + std::string(200, 'x')}).find("too long") != std::string::npos);
}

TEST_CASE("connections are accepted with their address, and work") {
  Listening listening;
  const base::Fd client = listening.connect();
  run_until(listening.loop, [&] { return listening.accepted.size() == 1; });
  CHECK(listening.accepted[0]->peer().text() ==
        "127.0.0.1:" + std::to_string(net_test::port_of(client)));
  net_test::Recorder heard;
  listening.accepted[0]->set_listener(heard);
  listening.accepted[0]->set_reading(true);
  net_test::send_all(client, "hello");
  run_until(listening.loop, [&] { return heard.text == "hello"; });
}

TEST_CASE("connections over a unix socket have no address, and work") {
  const test::TemporaryFolder folder;
  const net::ListenAddress address{"", 0, folder / "proxy.sock"};
  Listening listening(address);
  const base::Fd client = connect_unix(address.unix_path);
  run_until(listening.loop, [&] { return listening.accepted.size() == 1; });
  CHECK(listening.accepted[0]->peer().text() == "unix");
  const base::Bytes hello = base::as_bytes("hello");
  CHECK(listening.accepted[0]->write({&hello, 1}) == net::Flow::go);
  listening.accepted.clear();
  CHECK(net_test::receive_all(client) == "hello");
}

TEST_CASE("held: nobody is taken, and nobody lost") {
  Listening listening;
  listening.then = [&] {
    if (listening.accepted.size() == 2) listening.listener->hold();
  };
  std::vector<base::Fd> clients;
  for (int i = 0; i < 5; ++i)
    clients.push_back(listening.connect());
  run_ready(listening.loop);
  CHECK(listening.accepted.size() == 2);
  listening.listener->hold();
  run_ready(listening.loop);
  CHECK(listening.accepted.size() == 2);
  listening.listener->resume();
  listening.listener->resume();
  run_until(listening.loop, [&] { return listening.accepted.size() == 5; });
}

TEST_CASE("drain takes those who are connected already, then nobody") {
  for (const bool held : {false, true}) {
    Listening listening;
    if (held) listening.listener->hold();
    std::vector<base::Fd> clients;
    for (int i = 0; i < 40; ++i)
      clients.push_back(listening.connect());
    listening.listener->drain();
    CHECK(listening.accepted.size() == 40);
    const auto address = net::Address::parse("127.0.0.1", listening.bound.address.port);
    const base::Fd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    CHECK(::connect(late.get(), address->system(), address->system_size()) != 0);
    for (const auto& tcp : listening.accepted) {
      const base::Bytes hello = base::as_bytes("x");
      CHECK(tcp->write({&hello, 1}) == net::Flow::go);
    }
    listening.accepted.clear();
    for (const base::Fd& client : clients)
      CHECK(net_test::receive_all(client) == "x");
  }
}

TEST_CASE("closed within its own callback") {
  Listening listening;
  listening.then = [&] {
    listening.listener->close();
  };
  const base::Fd one = listening.connect();
  const base::Fd two = listening.connect();
  run_until(listening.loop, [&] { return !listening.accepted.empty(); });
  run_ready(listening.loop);
  CHECK(listening.accepted.size() == 1);
  listening.listener->resume();
  listening.listener->hold();
  listening.listener->drain();
  CHECK(listening.accepted.size() == 1);
}

TEST_CASE("many at once: a turn takes a few, the rest follow") {
  Listening listening;
  std::vector<base::Fd> clients;
  for (int i = 0; i < 200; ++i)
    clients.push_back(listening.connect());
  run_until(listening.loop, [&] { return listening.accepted.size() == 200; });
}

TEST_CASE("out of descriptors: it waits without spinning, then takes everybody") {
  Listening listening;
  std::vector<base::Fd> clients;
  const auto address = net::Address::parse("127.0.0.1", listening.bound.address.port);
  for (int i = 0; i < 3; ++i) {
    clients.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  }
  run_ready(listening.loop);  // whatever libuv opens lazily

  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  rlimit low = before;
  low.rlim_cur = 256;
  REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
  std::vector<base::Fd> hoard;
  for (;;) {
    base::Fd fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd) break;
    hoard.push_back(std::move(fd));
  }
  CHECK(errno == EMFILE);
  for (const base::Fd& client : clients) {
    CHECK(::connect(client.get(), address->system(), address->system_size()) == 0);
  }

  const uint64_t start_ms = listening.loop.now_ms();
  run_until(listening.loop, [&] { return listening.shortages >= 3; });
  // Three failures are two pauses.
  CHECK(listening.loop.now_ms() - start_ms >= 300);
  CHECK(listening.accepted.empty());
  hoard.clear();
  run_until(listening.loop, [&] { return listening.accepted.size() == 3; });
  CHECK(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}
