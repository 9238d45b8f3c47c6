// mbedTLS's server side: own certificate, tickets.
#include "tls/server_context.h"

#include <fmt/format.h>
#include <utility>

#include <mbedtls/pk.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/x509_crt.h>

#include "base/check.h"
#include "tls/error_text.h"
#include "tls/random.h"

namespace tls {

TicketKeys::TicketKeys() : context_(std::make_unique<mbedtls_ssl_ticket_context>()) {
  constexpr uint32_t lifetime_s = 3600;
  mbedtls_ssl_ticket_init(context_.get());
  CHECK(mbedtls_ssl_ticket_setup(
            context_.get(), random_bytes, nullptr, MBEDTLS_CIPHER_AES_256_GCM, lifetime_s) == 0);
}

TicketKeys::~TicketKeys() {
  mbedtls_ssl_ticket_free(context_.get());
}

struct ServerContext::State {
  mbedtls_x509_crt certificate;
  mbedtls_pk_context key;
  std::shared_ptr<TicketKeys> tickets;

  State() {
    mbedtls_x509_crt_init(&certificate);
    mbedtls_pk_init(&key);
  }
  ~State() {
    mbedtls_pk_free(&key);
    mbedtls_x509_crt_free(&certificate);
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  State(State&&) = delete;
  State& operator=(State&&) = delete;
};

ServerContext::ServerContext()
    : Context(MBEDTLS_SSL_IS_SERVER, base::Side::client, "a client"),
      state_(std::make_unique<State>()) {}
ServerContext::~ServerContext() {
  end_steps();
}

ServerContext::Made ServerContext::make(const ServerOptions& options) {
  std::unique_ptr<ServerContext> context(new ServerContext);
  State& state = *context->state_;
  mbedtls_ssl_config* const config = &context->mutable_config();
  const auto bytes = [](const std::string& pem) {
    return reinterpret_cast<const unsigned char*>(pem.c_str());
  };
  int result = mbedtls_x509_crt_parse(
      &state.certificate, bytes(options.certificate_pem), options.certificate_pem.size() + 1);
  if (result != 0) return fmt::format("the certificate cannot be read: {}", library_text(result));
  result = mbedtls_pk_parse_key(&state.key,
                                bytes(options.key_pem),
                                options.key_pem.size() + 1,
                                nullptr,
                                0,
                                random_bytes,
                                nullptr);
  if (result != 0) return fmt::format("the private key cannot be read: {}", library_text(result));
  result = mbedtls_pk_check_pair(&state.certificate.pk, &state.key, random_bytes, nullptr);
  if (result != 0) return std::string("the private key does not belong to the certificate");
  CHECK(mbedtls_ssl_conf_own_cert(config, &state.certificate, &state.key) == 0);
  state.tickets =
      options.ticket_keys == nullptr ? std::make_shared<TicketKeys>() : options.ticket_keys;
  mbedtls_ssl_conf_session_tickets_cb(
      config, mbedtls_ssl_ticket_write, mbedtls_ssl_ticket_parse, state.tickets->context());
  if (options.min_version == Version::tls13) {
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
  }
  if (options.max_version == Version::tls12) {
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  }
  return context;
}

}  // namespace tls
