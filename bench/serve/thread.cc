#include "bench/serve/thread.h"

#include <utility>

#include "bench/serve/connection.h"
#include "net/tcp.h"
#include "tls/stream.h"

namespace bench::serve {
namespace {

constexpr uint64_t handshake_timeout_ms = 10'000;

}  // namespace

Thread::Thread(Shared& shared,
               size_t index,
               base::Fd socket,
               std::unique_ptr<tls::ServerContext> tls)
    : tls_(std::move(tls)),
      environment_(loop_, shared, index),
      mailbox_(loop_),
      listener_(loop_, std::move(socket), [this](base::Fd connection, const net::Address& peer) {
        accept(std::move(connection), peer);
      }) {}

Thread::~Thread() = default;

void Thread::run() {
  loop_.run();
}

void Thread::stop() {
  mailbox_.post([this] { end(); });
}

void Thread::accept(base::Fd connection, const net::Address& peer) {
  auto tcp = net::Tcp::open(loop_, std::move(connection), peer, base::Side::client);
  if (!tcp) return;
  std::unique_ptr<net::ByteStream> stream = *std::move(tcp);
  if (tls_) {
    stream =
        std::make_unique<tls::TlsStream>(loop_, std::move(stream), *tls_, handshake_timeout_ms);
  }
  Connection::start(environment_, std::move(stream));
}

// With nothing left on the loop, run() returns.
void Thread::end() {
  listener_.close();
  environment_.connections.for_each([](Connection& connection) { connection.close(); });
  environment_.timers.close();
  mailbox_.close();
}

}  // namespace bench::serve
