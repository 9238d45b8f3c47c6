// Sockets that were open before: found by their environment, matched by where they listen.

#include "net/inherited.h"

#include <cstdlib>
#include <fcntl.h>
#include <string>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "sockets.h"

using net::InheritedSockets;

namespace {

// Runs `body` in a child, whose descriptors from 3 on it may replace; it returns 0 for good.
template <class Body>
int in_child(Body body) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(body());
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Makes `sockets` the descriptors from 3 on and tells the environment; only in a child.
void inherit(const std::vector<int>& sockets, const std::string& count = {}) {
  std::vector<int> above;
  for (const int socket : sockets)
    above.push_back(::fcntl(socket, F_DUPFD, 100));
  int next = net::inherited_first;
  for (const int socket : above)
    ::dup2(socket, next++);
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", count.empty() ? std::to_string(sockets.size()).c_str() : count.c_str(), 1);
  ::setenv("LISTEN_FDNAMES", "a:b", 1);
}

// In a child a failed expectation is its exit status.
#define EXPECT(condition) \
  if (!(condition)) return __LINE__ % 250 + 1

}  // namespace

TEST_CASE("nothing in the environment, or for another process: nothing inherited") {
  CHECK(in_child([] {
          auto none = InheritedSockets::from_environment();
          EXPECT(none && none->left().empty());
          const base::Fd socket = net_test::listen_on("127.0.0.1");
          inherit({socket.get()});
          ::setenv("LISTEN_PID", "1", 1);
          none = InheritedSockets::from_environment();
          EXPECT(none && none->left().empty());
          EXPECT(std::getenv("LISTEN_PID") == nullptr && std::getenv("LISTEN_FDS") == nullptr);
          return 0;
        }) == 0);
}

TEST_CASE("taken by address, and made fit for a loop") {
  const base::Fd four = net_test::listen_on("127.0.0.1");
  const base::Fd six = net_test::listen_on("::1");
  const net::ListenAddress at_four{"127.0.0.1", net_test::port_of(four), {}};
  const net::ListenAddress at_six{"::1", net_test::port_of(six), {}};
  CHECK(in_child([&] {
          inherit({four.get(), six.get()});
          auto inherited = InheritedSockets::from_environment();
          EXPECT(inherited);
          EXPECT(std::getenv("LISTEN_FDNAMES") == nullptr);
          auto none = inherited->take({"127.0.0.2", at_four.port, {}}, 1);
          EXPECT(none && none->sockets.empty());
          none = inherited->take({"", 0, "/run/x.sock"}, 1);
          EXPECT(none && none->sockets.empty());
          auto found = inherited->take(at_six, 1);
          EXPECT(found && found->sockets.size() == 1);
          const int fd = found->sockets[0].get();
          EXPECT(net_test::port_of(found->sockets[0]) == at_six.port);
          EXPECT((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
          EXPECT((::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
          EXPECT(inherited->left() == std::vector<std::string>{at_four.text()});
          // Any port: the one it has.
          found = inherited->take({"127.0.0.1", 0, {}}, 1);
          EXPECT(found && found->address.port == at_four.port);
          EXPECT(inherited->left().empty());
          return 0;
        }) == 0);
}

TEST_CASE("fewer than workers: shared; more: all of them") {
  auto bound = net::bind_listener({"127.0.0.1", 0, {}}, 3);
  REQUIRE(bound);
  std::vector<int> sockets;
  for (const base::Fd& socket : bound->sockets)
    sockets.push_back(socket.get());
  for (const size_t count : {1U, 3U, 7U}) {
    CAPTURE(count);
    CHECK(in_child([&] {
            inherit(sockets);
            auto inherited = InheritedSockets::from_environment();
            EXPECT(inherited);
            const auto found = inherited->take(bound->address, count);
            EXPECT(found && found->sockets.size() == std::max<size_t>(3, count));
            for (const base::Fd& socket : found->sockets)
              EXPECT(net_test::port_of(socket) == bound->address.port);
            return 0;
          }) == 0);
  }
}

TEST_CASE("a unix socket is matched by its path") {
  const std::string path = "/tmp/inherited_test." + std::to_string(::getpid());
  auto bound = net::bind_listener({"", 0, path}, 1);
  REQUIRE(bound);
  CHECK(in_child([&] {
          inherit({bound->sockets[0].get()});
          auto inherited = InheritedSockets::from_environment();
          EXPECT(inherited);
          auto none = inherited->take({"", 0, path + "x"}, 1);
          EXPECT(none && none->sockets.empty());
          const auto found = inherited->take({"", 0, path}, 2);
          EXPECT(found && found->sockets.size() == 2);
          return 0;
        }) == 0);
  // Somebody else may listen on it: its file stays.
  net::remove_socket_file(bound->address);
  CHECK(::access(path.c_str(), F_OK) == 0);
  bound->sockets.clear();
  net::remove_socket_file(bound->address);
  CHECK(::access(path.c_str(), F_OK) != 0);
}

TEST_CASE("what is no listening socket is refused with what to do") {
  const base::Fd listening = net_test::listen_on("127.0.0.1");
  const base::Fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  for (const char* count : {"", "x", "-1", "1x", "999999"}) {
    CAPTURE(count);
    CHECK(in_child([&] {
            inherit({listening.get()}, *count == '\0' ? "" : count);
            if (*count == '\0') ::unsetenv("LISTEN_FDS");
            const auto inherited = InheritedSockets::from_environment();
            EXPECT(!inherited);
            EXPECT(inherited.error().starts_with("LISTEN_FDS is `"));
            return 0;
          }) == 0);
  }
  CHECK(in_child([&] {
          inherit({listening.get(), file.get()});
          const auto inherited = InheritedSockets::from_environment();
          EXPECT(!inherited);
          EXPECT(inherited.error().find("descriptor 4 is no listening socket") !=
                 std::string::npos);
          return 0;
        }) == 0);
}
