// At the limits the proxy waits, says so, and goes on.
#include <atomic>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"

using test::Proxy;
using test::RawClient;
using test::RawUpstream;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

size_t open_descriptors() {
  DIR* folder = ::opendir("/proc/self/fd");
  REQUIRE(folder != nullptr);
  size_t count = 0;
  while (::readdir(folder) != nullptr)
    ++count;
  ::closedir(folder);
  return count - 3;  // ".", "..", and the folder itself
}

// For its lifetime nobody in this process gets a descriptor.
class NoDescriptors {
 public:
  NoDescriptors() {
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before_) == 0);
    const int highest = ::dup(0);
    ::close(highest);
    rlimit lower = before_;
    lower.rlim_cur = static_cast<rlim_t>(highest) + 64;
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &lower) == 0);
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0))
      fillers_.push_back(fd);
  }
  ~NoDescriptors() {
    for (const int fd : fillers_)
      ::close(fd);
    ::setrlimit(RLIMIT_NOFILE, &before_);
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  NoDescriptors(NoDescriptors&&) = delete;
  NoDescriptors& operator=(NoDescriptors&&) = delete;

 private:
  rlimit before_{};
  std::vector<int> fillers_;
};

}  // namespace

TEST_CASE("beyond limits.connections_max clients wait their turn") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "limits: { connections_max: 2 }");
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(proxy.client());
    CHECK(clients.back().round_trip(test::get("/")).body == "ok");
  }
  RawClient third = proxy.client();
  third.send(test::get("/"));
  CHECK(third.silent_for(std::chrono::milliseconds(300)));
  CHECK(clients[1].round_trip(test::get("/")).body == "ok");  // those inside are not hurt
  clients[0].close();
  CHECK(third.read_response().body == "ok");
}

TEST_CASE("the limit holds for all workers together") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream, "workers: 2\nlimits: { connections_max: 4 }");
  // Connections are spread over the workers by chance: all are served in the end.
  std::atomic<int> served = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 20; ++i) {
    threads.emplace_back([&] {
      try {
        if (proxy.round_trip(test::get("/")).body == "ok") ++served;
      } catch (const test::Failure& failure) {
        MESSAGE(failure.what());
      }
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  CHECK(served == 20);
}

TEST_CASE("or they are refused, with limits.when_full") {
  RawUpstream upstream(test::serve(ok));
  Proxy proxy(upstream, "workers: 2\nlimits: { connections_max: 2, when_full: refuse }");
  std::vector<RawClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(proxy.client());
    CHECK(clients.back().round_trip(test::get("/")).body == "ok");
  }
  for (int i = 0; i < 40; ++i) {  // more than are held to hear it
    RawClient third = proxy.client();
    const test::Message refused = third.round_trip(test::post("/", std::string(2000, 'x')));
    CHECK(refused.status() == 503);
    CHECK(refused.value("retry-after") == "1");
    CHECK(test::api_error(refused).code == "proxy_busy");
    CHECK(third.read_to_end().empty());
  }
  CHECK(clients[1].round_trip(test::get("/")).body == "ok");
  clients[0].close();
  test::eventually("there is room",
                   [&] { return proxy.round_trip(test::get("/")).status() == 200; });
}

TEST_CASE("out of descriptors: nobody is lost, and it recovers") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  RawClient first = proxy.client();  // kept, so that no descriptor is on its way back
  CHECK(first.round_trip(test::get("/")).body == "ok");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(proxy.port());
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<int> sockets(5);  // made while that is possible
  for (int& fd : sockets)
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  std::vector<RawClient> clients;
  {
    const NoDescriptors none;
    for (const int fd : sockets) {
      REQUIRE(::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
      clients.emplace_back(test::plain_wire(std::make_unique<test::Socket>(fd)));
      clients.back().send(test::get("/"));
    }
    for (RawClient& client : clients)
      CHECK(client.silent_for(std::chrono::milliseconds(50)));
  }
  for (RawClient& client : clients)
    CHECK(client.read_response().body == "ok");
}

TEST_CASE("out of descriptors for the upstream: 502 or 503, and it recovers") {
  RawUpstream upstream(test::serve(ok));
  const Proxy proxy(upstream);
  RawClient client = proxy.client();
  CHECK(client
            .round_trip("OPTIONS / HTTP/1.1\r\nHost: p\r\nOrigin: https://a\r\n"
                        "Access-Control-Request-Method: GET\r\n\r\n")
            .status() == 204);  // it is accepted
  {
    const NoDescriptors none;
    const int status = client.round_trip(test::get("/")).status();
    CHECK((status == 502 || status == 503));
  }
  test::eventually("served again",
                   [&] { return proxy.round_trip(test::get("/")).status() == 200; });
}

TEST_CASE("all descriptors come back") {
  RawUpstream upstream(test::upstream_options(test::Transport::tls), test::serve(ok));
  const size_t before = open_descriptors();
  for (int round = 0; round < 3; ++round) {
    const Proxy proxy(upstream, "workers: 2");
    std::vector<RawClient> clients;
    for (int i = 0; i < 20; ++i) {
      clients.push_back(proxy.client());
      clients.back().send(test::get("/"));
    }
    for (size_t i = 0; i < clients.size(); i += 2)
      CHECK(clients[i].read_response().body == "ok");
  }
  test::eventually("as before", [&] { return open_descriptors() == before; });
}
