// A blocking wire over a loop.
#include "support/tls_client.h"

#include <algorithm>
#include <utility>

#include "net/deadline.h"
#include "net/tcp.h"
#include "tls/stream.h"
#include "tls/trust_store.h"

namespace test {
namespace {

class LoopWire final : public Wire, private net::ByteStreamListener {
 public:
  LoopWire(net::UvLoop& loop, tls::ClientContext& context, Socket& socket)
      : loop_(loop), deadline_(loop.timers(), this, [](void*) {}) {
    descriptor_ = socket.release();
    auto tcp = net::Tcp::open(loop, base::Fd(descriptor_), {}, base::Side::upstream);
    if (!tcp) throw Failure("no stream of the socket");
    stream_ = std::make_unique<tls::TlsStream>(
        loop, *std::move(tcp), tls::TransportState::connected, context, handshake_timeout_ms);
    stream_->set_listener(*this);
    stream_->set_reading(true);
    if (!wait(patience, [this] { return connected_; })) throw TimedOut("TLS handshake");
  }

  size_t read_some(std::span<char> into, std::chrono::milliseconds timeout) override {
    if (!wait(timeout, [this] { return !received_.empty() || ended_; })) {
      throw TimedOut("TLS read");
    }
    const size_t size = std::min(into.size(), received_.size());
    std::copy_n(received_.begin(), size, into.begin());
    received_.erase(0, size);
    return size;
  }

  size_t write_some(std::string_view bytes, std::chrono::milliseconds timeout) override {
    if (!wait(timeout, [this] { return !full_; })) return 0;
    const base::Bytes piece = base::as_bytes(bytes);
    full_ = stream_->write({&piece, 1}) == net::Flow::full;
    return bytes.size();
  }

  void shutdown_write() override { stream_->shutdown_write(); }
  void close() override {
    stream_->shutdown_write();
    stream_->close();
  }
  void drop() override { stream_->close(); }
  void reset() override { stream_->abort(); }
  void vanish() override { test::vanish(descriptor_); }
  void abort() override { stream_->abort(); }

 private:
  static constexpr uint64_t handshake_timeout_ms = 10'000;

  // Drives the loop until `holds` does; false when the time is up. Throws what the stream reports,
  // once nothing received is left to be read.
  template <class Predicate>
  bool wait(std::chrono::milliseconds timeout, Predicate holds) {
    deadline_.set(static_cast<uint64_t>(timeout.count()));
    while (!holds() && error_.empty() && deadline_.is_set())
      loop_.run_once();
    if (holds()) return true;
    if (!error_.empty()) throw Reset(error_);
    return false;
  }

  void on_connected() override { connected_ = true; }
  void on_read(base::Bytes bytes) override { received_ += base::as_text(bytes); }
  void on_read_end(net::ReadEnd end) override {
    if (end == net::ReadEnd::clean) {
      ended_ = true;
    } else {
      error_ = "TLS: the connection ended without close_notify";
    }
  }
  void on_drained() override { full_ = false; }
  void on_write_error(base::Error error) override { on_error(error); }
  void on_error(base::Error error) override { error_ = "TLS: " + tls::error_text(error); }

  int descriptor_ = -1;  // the stream's
  net::UvLoop& loop_;
  net::Deadline deadline_;
  std::unique_ptr<net::ByteStream> stream_;
  std::string received_;
  std::string error_;
  bool connected_ = false;
  bool ended_ = false;
  bool full_ = false;
};

std::shared_ptr<const tls::TrustStore> trust(const std::string& pem) {
  auto store = tls::TrustStore::from_pem(pem, "the test's root");
  if (!store) throw Failure(store.error());
  return *store;
}

// Its client dies after its wire.
class OwnTlsWire final : public Wire {
 public:
  OwnTlsWire(const std::string& authority_pem, uint16_t port, const ConnectOptions& options)
      : client_(authority_pem), wire_(client_.connect(port, options)) {}

  size_t read_some(std::span<char> into, std::chrono::milliseconds timeout) override {
    return wire_->read_some(into, timeout);
  }
  size_t write_some(std::string_view bytes, std::chrono::milliseconds timeout) override {
    return wire_->write_some(bytes, timeout);
  }
  void shutdown_write() override { wire_->shutdown_write(); }
  void close() override { wire_->close(); }
  void drop() override { wire_->drop(); }
  void reset() override { wire_->reset(); }
  void vanish() override { wire_->vanish(); }
  void abort() override { wire_->abort(); }

 private:
  TlsClient client_;
  std::unique_ptr<Wire> wire_;
};

}  // namespace

TlsClient::TlsClient(const std::string& authority_pem, std::string name)
    : context_({.server_name = std::move(name),
                .verify = tls::Verify::required,
                .min_version = tls::Version::tls12},
               trust(authority_pem)) {}

TlsClient::~TlsClient() = default;

std::unique_ptr<Wire> TlsClient::connect(uint16_t port, const ConnectOptions& options) {
  return shake_hands(*connect_tcp("127.0.0.1", port, options));
}

std::unique_ptr<Wire> TlsClient::shake_hands(Socket& socket) {
  return std::make_unique<LoopWire>(loop_, context_, socket);
}

std::unique_ptr<Wire> tls_wire_of_its_own(const std::string& authority_pem,
                                          uint16_t port,
                                          const ConnectOptions& options) {
  return std::make_unique<OwnTlsWire>(authority_pem, port, options);
}

}  // namespace test
