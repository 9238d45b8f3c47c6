/* See resuming.h. */
#include "resuming.h"

#include "ssl_misc.h"

int openai_proxy_is_resuming(const mbedtls_ssl_context *ssl)
{
  return ssl->handshake->resume == 1;
}

int openai_proxy_is_certificate_requested(const mbedtls_ssl_context *ssl)
{
  return ssl->handshake != NULL && ssl->handshake->client_auth != 0;
}
