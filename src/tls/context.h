#pragma once

// What TLS connections share: trusted roots, the settings of one upstream, its sessions to resume.
// The per-connection part is stream.h. No mbedTLS type is needed to use this header.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/intrusive_list.h"
#include "base/result.h"

struct mbedtls_ssl_config;
struct mbedtls_ssl_session;
struct mbedtls_x509_crt;

namespace tls {

class VerifiedChains;

// Starts the crypto library. Once per process, from main, before any other thread and before
// anything else of this room. Returns the text of what failed, nothing on success.
[[nodiscard]] std::optional<std::string> init();

// The error's own text for a log line: for Code::certificate why the certificate was refused
// ("expired, wrong name"), for Code::tls mbedTLS's words; the code's name for every other code.
[[nodiscard]] std::string error_text(base::Error error);

// Resource, immutable after loading: the roots that certificates are checked against, with a memory
// of the chains found good. Parsed once per process and shared by all workers (any thread).
class TrustStore {
 public:
  using Loaded = base::Result<std::shared_ptr<const TrustStore>, std::string>;

  // The system's bundle, from where the common distributions keep it. The error text names the
  // places tried and what to install or configure.
  [[nodiscard]] static Loaded system();
  // A PEM bundle (one or more certificates). Certificates it cannot read are skipped and
  // counted in the log; an error when the file is unreadable or holds none.
  [[nodiscard]] static Loaded from_file(const std::string& path);
  // The same from memory; `origin` is how messages call it.
  [[nodiscard]] static Loaded from_pem(std::string_view pem, const std::string& origin);

  ~TrustStore();
  TrustStore(const TrustStore&) = delete;
  TrustStore& operator=(const TrustStore&) = delete;
  TrustStore(TrustStore&&) = delete;
  TrustStore& operator=(TrustStore&&) = delete;

  // How many certificates it holds.
  [[nodiscard]] size_t size() const { return size_; }
  // For tls/ only. mbedTLS takes it non-const, but does not write to it.
  [[nodiscard]] mbedtls_x509_crt* chain() const { return chain_.get(); }
  [[nodiscard]] VerifiedChains& verified() const { return *verified_; }

 private:
  struct FreeChain {
    void operator()(mbedtls_x509_crt* chain) const;
  };
  TrustStore();
  std::unique_ptr<mbedtls_x509_crt, FreeChain> chain_;
  std::unique_ptr<VerifiedChains> verified_;
  size_t size_ = 0;
};

// Immutable once kept: each connection that resumes it makes a copy of its own.
using SharedSession = std::shared_ptr<const mbedtls_ssl_session>;

// Resource: the sessions one upstream gave us to resume, the newest first out. Any thread, so that
// workers can share one. Share it only between contexts with equal ClientOptions: a resumed session
// is not verified again.
class SessionCache {
 public:
  static constexpr size_t sessions_max = 16;
  // RFC 8446 4.6.1 allows seven days; a day bounds how long a replaced certificate is trusted on.
  static constexpr uint64_t age_max_s = 24 * 60 * 60;

  SessionCache();
  ~SessionCache();
  SessionCache(const SessionCache&) = delete;
  SessionCache& operator=(const SessionCache&) = delete;
  SessionCache(SessionCache&&) = delete;
  SessionCache& operator=(SessionCache&&) = delete;

  // Keeps `session`; past sessions_max the oldest goes.
  void put(SharedSession session);
  // A session to try, nullptr when there is none. Each is handed out once (RFC 8446 C.4), but the
  // last stays, for a burst of connections must not each pay a full handshake.
  [[nodiscard]] SharedSession take();
  // Forgets all: a resumption failed.
  void clear();
  [[nodiscard]] size_t size() const;

 private:
  struct Entry;
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // the newest last
};

// Resource: the session caches of one deployment, so that what one worker was given to resume
// serves them all. Any thread.
class SessionCaches {
 public:
  SessionCaches();
  ~SessionCaches();
  SessionCaches(const SessionCaches&) = delete;
  SessionCaches& operator=(const SessionCaches&) = delete;
  SessionCaches(SessionCaches&&) = delete;
  SessionCaches& operator=(SessionCaches&&) = delete;

  // The one of that name, a new one if nobody has it. The name must tell apart what may not be
  // shared: it says where connections lead, and with which ClientOptions and roots.
  [[nodiscard]] std::shared_ptr<SessionCache> of(const std::string& name);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<SessionCache>> caches_;
};

// How a handshake ended.
enum class HandshakeEnd : uint8_t { full, resumed, failed };

// Value. What became of the handshakes of one context.
struct HandshakeCounts {
  uint64_t full = 0;
  uint64_t resumed = 0;
  uint64_t failed = 0;
};

class HandshakeStep;

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

enum class Version : uint8_t { tls12, tls13 };
enum class Verify : uint8_t {
  required,
  none,  // any certificate passes: only for tests and networks one trusts
};

// Value. How to reach one upstream origin.
struct ClientOptions {
  // Sent as SNI and demanded of the certificate. An IP literal (IPv6 without brackets) is demanded
  // but not sent (RFC 6066 3).
  std::string server_name;
  Verify verify = Verify::required;
  Version min_version = Version::tls12;
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
