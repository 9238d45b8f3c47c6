/* An addition to mbedTLS: what it knows of a handshake and does not tell. */
#ifndef OPENAI_PROXY_RESUMING_H
#define OPENAI_PROXY_RESUMING_H

struct mbedtls_ssl_context;

#ifdef __cplusplus
extern "C" {
#endif

/* In a server's handshake, from the certificate callback (mbedtls_ssl_conf_cert_cb) on: 1 where the
 * client's session is being resumed, 0 where the handshake is a full one. */
int openai_proxy_is_resuming(const struct mbedtls_ssl_context* ssl);

/* In a client's handshake: 1 where the server has asked for a certificate. */
int openai_proxy_is_certificate_requested(const struct mbedtls_ssl_context* ssl);

#ifdef __cplusplus
}
#endif

#endif
