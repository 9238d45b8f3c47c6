// mbedTLS's server half with bounded waits.
#include "support/tls_wire.h"

#include <cstring>
#include <mutex>
#include <utility>

#include <mbedtls/error.h>
#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>

#include "tls/random.h"

namespace test {
namespace {

std::string error_text(int code) {
  std::array<char, 160> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return text.data();
}

void require_ok(int code, const char* what) {
  if (code != 0) throw Failure(std::string(what) + ": " + error_text(code));
}

class TlsWire final : public Wire {
 public:
  explicit TlsWire(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {
    mbedtls_ssl_init(&ssl_);
  }
  ~TlsWire() override { mbedtls_ssl_free(&ssl_); }
  TlsWire(const TlsWire&) = delete;
  TlsWire& operator=(const TlsWire&) = delete;
  TlsWire(TlsWire&&) = delete;
  TlsWire& operator=(TlsWire&&) = delete;

  void handshake(const mbedtls_ssl_config& config) {
    require_ok(mbedtls_ssl_setup(&ssl_, &config), "mbedtls_ssl_setup");
    mbedtls_ssl_set_bio(&ssl_, this, send, receive, nullptr);
    for (;;) {
      const int result = mbedtls_ssl_handshake(&ssl_);
      if (result == 0) return;
      if (!wait_after(result, patience)) throw TimedOut("TLS handshake");
    }
  }

  size_t read_some(std::span<char> into, std::chrono::milliseconds timeout) override {
    for (;;) {
      const int got =
          mbedtls_ssl_read(&ssl_, reinterpret_cast<unsigned char*>(into.data()), into.size());
      if (got >= 0) return static_cast<size_t>(got);
      if (got == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return 0;
      if (!wait_after(got, timeout)) throw TimedOut("TLS read");
    }
  }

  size_t write_some(std::string_view bytes, std::chrono::milliseconds timeout) override {
    // A write put off must be repeated with the same bytes: the rest of a record is finished first.
    for (;;) {
      const int sent = mbedtls_ssl_write(
          &ssl_, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
      if (sent >= 0) return static_cast<size_t>(sent);
      if (!wait_after(sent, timeout)) return 0;
    }
  }

  void shutdown_write() override {
    notify();
    socket_->shutdown_write();
  }
  void close() override {
    notify();
    socket_->close();
  }
  void drop() override { socket_->close(); }
  void alert() override {
    (void)mbedtls_ssl_send_alert_message(
        &ssl_, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR);
    socket_->close();
  }
  void reset() override { socket_->close_with_reset(); }
  void vanish() override { socket_->vanish(); }
  void abort() override { socket_->abort(); }

 private:
  static int send(void* self, const unsigned char* bytes, size_t size) {
    const auto& socket = static_cast<TlsWire*>(self)->socket_;
    try {
      const ssize_t sent = socket->try_write({reinterpret_cast<const char*>(bytes), size});
      return sent < 0 ? MBEDTLS_ERR_SSL_WANT_WRITE : static_cast<int>(sent);
    } catch (const Reset&) {
      return MBEDTLS_ERR_SSL_CONN_EOF;
    }
  }

  static int receive(void* self, unsigned char* into, size_t size) {
    const auto& socket = static_cast<TlsWire*>(self)->socket_;
    try {
      const ssize_t got = socket->try_read({reinterpret_cast<char*>(into), size});
      if (got == 0) return MBEDTLS_ERR_SSL_CONN_EOF;
      return got < 0 ? MBEDTLS_ERR_SSL_WANT_READ : static_cast<int>(got);
    } catch (const Reset&) {
      return MBEDTLS_ERR_SSL_CONN_EOF;
    }
  }

  // Whether to try again; false when the time is up.
  bool wait_after(int code, std::chrono::milliseconds timeout) {
    if (code == MBEDTLS_ERR_SSL_WANT_READ) return socket_->wait_readable(timeout);
    if (code == MBEDTLS_ERR_SSL_WANT_WRITE) return socket_->wait_writable(timeout);
    throw Reset("TLS: " + error_text(code));
  }

  void notify() {
    while (mbedtls_ssl_close_notify(&ssl_) == MBEDTLS_ERR_SSL_WANT_WRITE) {
      if (!socket_->wait_writable(patience)) return;
    }
  }

  std::unique_ptr<Socket> socket_;
  mbedtls_ssl_context ssl_{};
};

}  // namespace

struct TlsServer::State {
  mbedtls_ssl_config config{};
  mbedtls_x509_crt certificate{};
  mbedtls_pk_context key{};
  mbedtls_ssl_ticket_context tickets{};
  std::atomic<unsigned> resumed = 0;
  mutable std::mutex mutex;
  std::string server_name;

  State() {
    mbedtls_ssl_config_init(&config);
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
    mbedtls_ssl_ticket_init(&tickets);
  }
  ~State() {
    mbedtls_ssl_ticket_free(&tickets);
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&certificate);
    mbedtls_ssl_config_free(&config);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  State(State&&) = delete;
  State& operator=(State&&) = delete;

  static int parse_ticket(void* self,
                          mbedtls_ssl_session* session,
                          unsigned char* bytes,
                          size_t size) {
    auto& state = *static_cast<State*>(self);
    const int result = mbedtls_ssl_ticket_parse(&state.tickets, session, bytes, size);
    if (result == 0) ++state.resumed;
    return result;
  }

  static int write_ticket(void* self,
                          const mbedtls_ssl_session* session,
                          unsigned char* start,
                          const unsigned char* end,
                          size_t* size,
                          uint32_t* lifetime) {
    return mbedtls_ssl_ticket_write(
        &static_cast<State*>(self)->tickets, session, start, end, size, lifetime);
  }

  static int note_server_name(void* self,
                              mbedtls_ssl_context* /*ssl*/,
                              const unsigned char* name,
                              size_t size) {
    auto& state = *static_cast<State*>(self);
    const std::lock_guard lock(state.mutex);
    state.server_name.assign(reinterpret_cast<const char*>(name), size);
    return 0;
  }
};

TlsServer::TlsServer(const TlsServerOptions& options) : state_(std::make_unique<State>()) {
  const auto bytes = [](const std::string& pem) {
    return reinterpret_cast<const unsigned char*>(pem.c_str());
  };
  const std::string& chain = options.certificate_pem;
  const std::string& key = options.key_pem;
  require_ok(mbedtls_x509_crt_parse(&state_->certificate, bytes(chain), chain.size() + 1),
             "the test's certificate");
  require_ok(mbedtls_pk_parse_key(
                 &state_->key, bytes(key), key.size() + 1, nullptr, 0, tls::random_bytes, nullptr),
             "the test's key");
  mbedtls_ssl_config& config = state_->config;
  require_ok(
      mbedtls_ssl_config_defaults(
          &config, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT),
      "mbedtls_ssl_config_defaults");
  mbedtls_ssl_conf_rng(&config, tls::random_bytes, nullptr);
  require_ok(mbedtls_ssl_conf_own_cert(&config, &state_->certificate, &state_->key), "own_cert");
  if (options.versions == TlsVersions::only_1_2) {
    mbedtls_ssl_conf_max_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_2);
  } else if (options.versions == TlsVersions::only_1_3) {
    mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
  }
  require_ok(mbedtls_ssl_ticket_setup(
                 &state_->tickets, tls::random_bytes, nullptr, MBEDTLS_CIPHER_AES_256_GCM, 3600),
             "tickets");
  mbedtls_ssl_conf_session_tickets_cb(
      &config, State::write_ticket, State::parse_ticket, state_.get());
  mbedtls_ssl_conf_sni(&config, State::note_server_name, state_.get());
}

TlsServer::~TlsServer() = default;

std::unique_ptr<Wire> TlsServer::accept(std::unique_ptr<Socket> socket) {
  auto wire = std::make_unique<TlsWire>(std::move(socket));
  wire->handshake(state_->config);
  return wire;
}

unsigned TlsServer::resumed() const {
  return state_->resumed;
}

std::string TlsServer::last_server_name() const {
  const std::lock_guard lock(state_->mutex);
  return state_->server_name;
}

}  // namespace test
