#pragma once

// What the TLS connections of one side share: their settings, and what became of them. The
// per-connection part is stream.h. No mbedTLS type is needed to use this header.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "tls/client_options.h"

struct mbedtls_ssl_config;

namespace tls {

class HandshakeStep;
class SessionCache;
class TrustStore;
class VerifiedChains;

// Starts the crypto library. Once per process, from main, before any other thread and before
// anything else of this room. Returns the text of what failed, nothing on success.
[[nodiscard]] std::optional<std::string> init();

// The error's own text for a log line: for Code::certificate why the certificate was refused
// ("expired, wrong name"), for Code::tls mbedTLS's words; the code's name for every other code.
[[nodiscard]] std::string error_text(base::Error error);

// How a handshake ended.
enum class HandshakeEnd : uint8_t { full, resumed, failed };

// Value. What became of the handshakes of one context.
struct HandshakeCounts {
  uint64_t full = 0;
  uint64_t resumed = 0;
  uint64_t failed = 0;
};

// Resource: what the streams of one side and one worker share; on the worker's thread. Must outlive
// its streams; its destructor waits for handshakes they have left running on other threads. TLS 1.2
// and 1.3, forward-secret AEAD suites only.
class Context {
 public:
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  Context(Context&&) = delete;
  Context& operator=(Context&&) = delete;

  [[nodiscard]] const HandshakeCounts& handshakes() const { return handshakes_; }

  // The rest is for tls/ only.
  [[nodiscard]] const mbedtls_ssl_config& config() const { return *config_; }
  void count(HandshakeEnd end);
  // Handshakes that are on another thread now.
  [[nodiscard]] base::IntrusiveList<HandshakeStep>& steps() { return steps_; }
  // Whose doing an error on one of its connections is.
  [[nodiscard]] base::Side side() const { return side_; }
  // Whom these connections lead to, for the log.
  [[nodiscard]] const std::string& name() const { return name_; }
  // After how many records a side takes new keys of itself, TLS 1.3 only. AES-GCM is good for some
  // 2^24.5 (RFC 8446 5.5), and has been used for the handshake before.
  static constexpr uint64_t records_per_key_max = uint64_t{1} << 24;
  [[nodiscard]] uint64_t records_per_key() const { return records_per_key_; }
  void set_records_per_key(uint64_t records) { records_per_key_ = records; }
  // Logs why a handshake failed, at most once a minute.
  void log_failure(std::string_view why, uint64_t now_ms);

  // Input buffers are lent for as long as a record is incomplete: an idle connection has none.
  struct FreeBuffer {
    void operator()(unsigned char* buffer) const;
  };
  using Buffer = std::unique_ptr<unsigned char[], FreeBuffer>;
  [[nodiscard]] size_t buffer_bytes() const { return buffer_bytes_; }
  // What mbedTLS gives a new connection.
  void set_buffer_bytes(size_t size) { buffer_bytes_ = size; }
  // One of buffer_bytes().
  [[nodiscard]] Buffer take_buffer();
  void give_back(Buffer buffer, size_t size);

 protected:
  // `endpoint` is MBEDTLS_SSL_IS_CLIENT or MBEDTLS_SSL_IS_SERVER.
  Context(int endpoint, base::Side side, std::string name);
  ~Context();
  // To be called first by the destructors of what derives: steps use what it owns.
  void end_steps();
  [[nodiscard]] mbedtls_ssl_config& mutable_config() { return *config_; }
  // Who hears of each handshake's end besides the counts.
  void set_on_handshake(std::function<void(HandshakeEnd)> hear) { on_handshake_ = std::move(hear); }

 private:
  struct FreeConfig {
    void operator()(mbedtls_ssl_config* config) const;
  };
  static constexpr uint64_t log_interval_ms = 60'000;
  static constexpr size_t buffers_kept_max = 4;

  std::unique_ptr<mbedtls_ssl_config, FreeConfig> config_;
  base::IntrusiveList<HandshakeStep> steps_;
  std::vector<Buffer> buffers_;
  size_t buffer_bytes_ = 0;
  uint64_t records_per_key_ = records_per_key_max;
  HandshakeCounts handshakes_;
  std::function<void(HandshakeEnd)> on_handshake_;
  std::string name_;
  base::Side side_;
  bool logged_ = false;
  uint64_t log_again_ms_ = 0;
  uint64_t failures_unlogged_ = 0;
};

// Resource, one per upstream origin and worker. AES-GCM before ChaCha20 where that is the faster
// one, X25519 before P-256 and P-384, ALPN http/1.1.
class ClientContext final : public Context {
 public:
  // `trust` may be null only with Verify::none. `sessions` null: a cache of its own.
  ClientContext(ClientOptions options,
                std::shared_ptr<const TrustStore> trust,
                std::shared_ptr<SessionCache> sessions = nullptr);
  ~ClientContext();
  ClientContext(const ClientContext&) = delete;
  ClientContext& operator=(const ClientContext&) = delete;
  ClientContext(ClientContext&&) = delete;
  ClientContext& operator=(ClientContext&&) = delete;

  [[nodiscard]] const ClientOptions& options() const { return options_; }
  [[nodiscard]] SessionCache& sessions() { return *sessions_; }
  // For tls/ only: null with Verify::none.
  [[nodiscard]] VerifiedChains* verified_chains() const;
  // For tls/ only: the bytes of server_name where it is an IP literal, else empty.
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  ClientOptions options_;
  std::string address_;
  std::shared_ptr<const TrustStore> trust_;
  std::shared_ptr<SessionCache> sessions_;
};

}  // namespace tls
