// Settings of mbedTLS, chosen once for all connections of a context.
#include "tls/context.h"

#include <arpa/inet.h>
#include <array>
#include <cstdlib>
#include <utility>

#include <mbedtls/platform.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

#include "base/check.h"
#include "base/heap.h"
#include "base/log.h"
#include "tls/handshake_step.h"
#include "tls/random.h"
#include "tls/session_cache.h"
#include "tls/suites.h"
#include "tls/trust_store.h"

namespace tls {
namespace {

// The first one is what a client sends a key share for.
constexpr uint16_t groups[] = {MBEDTLS_SSL_IANA_TLS_GROUP_X25519,
                               MBEDTLS_SSL_IANA_TLS_GROUP_SECP256R1,
                               MBEDTLS_SSL_IANA_TLS_GROUP_SECP384R1,
                               MBEDTLS_SSL_IANA_TLS_GROUP_NONE};

// The bytes of an IP literal, as they stand in certificates; empty for a name.
std::string address_of(const std::string& name) {
  std::array<char, 16> bytes{};
  if (inet_pton(AF_INET, name.c_str(), bytes.data()) == 1) return {bytes.data(), 4};
  if (inet_pton(AF_INET6, name.c_str(), bytes.data()) == 1) return {bytes.data(), 16};
  return {};
}

// To upstreams we speak nothing else. Of clients, those that name the version they speak are served
// as those that name none are, and others get the alert that RFC 7301 3.2 has for them.
const char* upstream_protocols[] = {"http/1.1", nullptr};
const char* client_protocols[] = {"http/1.1", "http/1.0", nullptr};

}  // namespace

std::optional<std::string> init() {
  if (mbedtls_platform_set_calloc_free(base::heap_calloc, base::heap_free) != 0) {
    return "the crypto library did not take our allocator";
  }
  const psa_status_t status = psa_crypto_init();
  // Fills a list on its first call, unguarded; every new configuration makes that call.
  static_cast<void>(mbedtls_ssl_list_ciphersuites());
  if (status == PSA_SUCCESS) return std::nullopt;
  return "the crypto library did not start (PSA status " + std::to_string(status) +
         "); is there a source of randomness (/dev/urandom or getrandom)?";
}

void Context::FreeConfig::operator()(mbedtls_ssl_config* config) const {
  mbedtls_ssl_config_free(config);
  delete config;
}

Context::Context(int endpoint, base::Side side, std::string name)
    : config_(new mbedtls_ssl_config), name_(std::move(name)), side_(side) {
  mbedtls_ssl_config* const config = config_.get();
  mbedtls_ssl_config_init(config);
  CHECK(mbedtls_ssl_config_defaults(
            config, endpoint, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) == 0);
  mbedtls_ssl_conf_rng(config, random_bytes, nullptr);
  mbedtls_ssl_conf_ciphersuites(config, ciphersuites(aes_gcm_is_fast()));
  mbedtls_ssl_conf_groups(config, groups);
  const char** const protocols =
      endpoint == MBEDTLS_SSL_IS_CLIENT ? upstream_protocols : client_protocols;
  CHECK(mbedtls_ssl_conf_alpn_protocols(config, protocols) == 0);
}

Context::~Context() = default;

void Context::end_steps() {
  while (HandshakeStep* step = steps_.pop_front())
    step->end();
}

void Context::count(HandshakeEnd end) {
  switch (end) {
    case HandshakeEnd::full:
      ++handshakes_.full;
      break;
    case HandshakeEnd::resumed:
      ++handshakes_.resumed;
      break;
    case HandshakeEnd::failed:
      ++handshakes_.failed;
      break;
  }
  if (on_handshake_) on_handshake_(end);
}

void Context::log_failure(std::string_view why, uint64_t now_ms) {
  if (logged_ && now_ms < log_again_ms_) {
    ++failures_unlogged_;
    return;
  }
  if (failures_unlogged_ == 0) {
    base::log_warning("TLS: {}", why);
  } else {
    base::log_warning("TLS: {} (and {} more since the last such line)", why, failures_unlogged_);
  }
  logged_ = true;
  failures_unlogged_ = 0;
  log_again_ms_ = now_ms + log_interval_ms;
}

void Context::FreeBuffer::operator()(unsigned char* buffer) const {
  mbedtls_free(buffer);
}

Context::Buffer Context::take_buffer() {
  if (buffers_.empty()) {
    Buffer buffer(static_cast<unsigned char*>(mbedtls_calloc(1, buffer_bytes_)));
    CHECK(buffer != nullptr);
    return buffer;
  }
  Buffer buffer = std::move(buffers_.back());
  buffers_.pop_back();
  return buffer;
}

void Context::give_back(Buffer buffer, size_t size) {
  if (size == buffer_bytes_ && buffers_.size() < buffers_kept_max) {
    buffers_.push_back(std::move(buffer));
  }
}

ClientContext::ClientContext(ClientOptions options,
                             std::shared_ptr<const TrustStore> trust,
                             std::shared_ptr<SessionCache> sessions)
    : Context(MBEDTLS_SSL_IS_CLIENT, base::Side::upstream, options.server_name),
      options_(std::move(options)),
      address_(address_of(options_.server_name)),
      trust_(std::move(trust)),
      sessions_(sessions == nullptr ? std::make_shared<SessionCache>() : std::move(sessions)) {
  mbedtls_ssl_config* const config = &mutable_config();
  if (options_.verify == Verify::required) {
    CHECK(trust_ != nullptr);
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(config, trust_->chain(), nullptr);
  } else {
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_NONE);
  }
  if (options_.min_version == Version::tls13) {
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
  }
  // Ephemeral keys also when resuming: a stolen ticket key must not open old traffic.
  mbedtls_ssl_conf_tls13_key_exchange_modes(
      config,
      static_cast<int>(MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL |
                       MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL));
  mbedtls_ssl_conf_session_tickets(config, MBEDTLS_SSL_SESSION_TICKETS_ENABLED);
  // Else mbedTLS 3.6 throws TLS 1.3 tickets away.
  mbedtls_ssl_conf_tls13_enable_signal_new_session_tickets(
      config, MBEDTLS_SSL_TLS1_3_SIGNAL_NEW_SESSION_TICKETS_ENABLED);
}

ClientContext::~ClientContext() {
  end_steps();
}

VerifiedChains* ClientContext::verified_chains() const {
  return options_.verify == Verify::required ? &trust_->verified() : nullptr;
}

}  // namespace tls
