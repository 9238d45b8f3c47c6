// mbedTLS's server side: own certificates, tickets, clients' certificates.
#include "tls/server_context.h"

#include <utility>

#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>

#include "base/check.h"
#include "tls/random.h"
#include "tls/session.h"
#include "tls/trust_store.h"

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

ServerContext::ServerContext(ServerOptions options)
    : Context(MBEDTLS_SSL_IS_SERVER, base::Side::client, "a client"), options_(std::move(options)) {
  CHECK(options_.certificates != nullptr);
  mbedtls_ssl_config* const config = &mutable_config();
  mbedtls_ssl_conf_cert_cb(config, Session::on_client_hello);
  if (options_.client_ca != nullptr) {
    mbedtls_ssl_conf_authmode(config, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(config, options_.client_ca->chain(), nullptr);
  } else {
    if (options_.ticket_keys == nullptr) options_.ticket_keys = std::make_shared<TicketKeys>();
    mbedtls_ssl_conf_session_tickets_cb(config,
                                        mbedtls_ssl_ticket_write,
                                        mbedtls_ssl_ticket_parse,
                                        options_.ticket_keys->context());
  }
  if (options_.min_version == Version::tls13) {
    mbedtls_ssl_conf_min_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_3);
  }
  if (options_.max_version == Version::tls12) {
    mbedtls_ssl_conf_max_tls_version(config, MBEDTLS_SSL_VERSION_TLS1_2);
  }
  set_on_handshake(options_.on_handshake);
}

ServerContext::~ServerContext() {
  end_steps();
}

}  // namespace tls
