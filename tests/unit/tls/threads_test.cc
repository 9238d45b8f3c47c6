// What workers share: roots, sessions, the crypto library's own state. Meant for TSan.
#include <atomic>
#include <thread>
#include <vector>

#include <doctest/doctest.h>

#include "tls/stream.h"
#include "tls/tls_world.h"

namespace {

TEST_CASE("workers shake hands at the same time, with shared roots and sessions") {
  constexpr int workers = 3;
  constexpr int connections = 12;
  test::LeafOptions rsa;
  rsa.key = test::KeyKind::rsa_2048;
  const test::Credentials leaves[] = {tls_test::fixture().leaf,
                                      tls_test::fixture().authority.issue(rsa)};
  const auto sessions = std::make_shared<tls::SessionCache>();
  std::atomic<int> full = 0;
  std::atomic<int> resumed = 0;
  const auto work = [&](int worker) {
    net::Loop loop;
    test::MemoryNetwork network(loop, static_cast<uint64_t>(worker) + 1);
    tls::ClientContext client(tls_test::client_of(), tls_test::fixture().roots, sessions);
    for (int i = 0; i < connections; ++i) {
      const tls::Version version = tls_test::versions[i % 2];
      // A new server each time but the last ones, so that full handshakes go on.
      const auto server = tls_test::server_of(leaves[i % 3 == 0 ? 1 : 0], version);
      for (int again = 0; again < 2; ++again) {
        tls_test::Link link(network, client, *server);
        link.read_both();
        loop.end_turn();
        if (link.client.connected == 0) continue;  // another worker's session, of another version
        ++(link.client_stream->resumed() ? resumed : full);
        static_cast<void>(tls_test::write_text(*link.client_stream, "hello"));
        loop.end_turn();
        if (link.server.received != "hello") full = -1'000'000;
      }
    }
  };
  std::vector<std::thread> threads;
  for (int worker = 0; worker < workers; ++worker)
    threads.emplace_back(work, worker);
  for (std::thread& thread : threads)
    thread.join();
  REQUIRE(full > 0);
  REQUIRE(full + resumed > workers * connections);
}

}  // namespace
