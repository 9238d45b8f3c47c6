/* mbedTLS's ssl_tls13_server.c with the extension by which clients with little memory ask for small
 * records (RFC 6066 4, RFC 8446 4.2): it is in TLS 1.3 too, and OpenSSL's servers heed it. A client
 * that sends record_size_limit as well means that one (RFC 8449 5). */
#include "ssl_misc.h"

static int parse_max_fragment_length(mbedtls_ssl_context *ssl, const unsigned char *data,
                                     const unsigned char *end)
{
  if (end - data != 1 || data[0] >= MBEDTLS_SSL_MAX_FRAG_LEN_INVALID ||
      data[0] == MBEDTLS_SSL_MAX_FRAG_LEN_NONE) {
    MBEDTLS_SSL_PEND_FATAL_ALERT(MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER,
                                 MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER);
    return MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER;
  }
  ssl->session_negotiate->mfl_code = data[0];
  return 0;
}

/* The first extension of those that TLS 1.3 encrypts, with max_fragment_length before it. */
static int write_first_extensions(mbedtls_ssl_context *ssl, unsigned char *buf,
                                  const unsigned char *end, size_t *written)
{
  unsigned char *p = buf;
  mbedtls_ssl_session *session = ssl->session_negotiate;
  if ((ssl->handshake->received_extensions & MBEDTLS_SSL_EXT_MASK(RECORD_SIZE_LIMIT)) != 0) {
    session->mfl_code = MBEDTLS_SSL_MAX_FRAG_LEN_NONE;
  }
  if (session->mfl_code != MBEDTLS_SSL_MAX_FRAG_LEN_NONE) {
    MBEDTLS_SSL_CHK_BUF_PTR(p, end, 5);
    MBEDTLS_PUT_UINT16_BE(MBEDTLS_TLS_EXT_MAX_FRAGMENT_LENGTH, p, 0);
    MBEDTLS_PUT_UINT16_BE(1, p, 2);
    p[4] = session->mfl_code;
    p += 5;
  }
  const int result = mbedtls_ssl_write_alpn_ext(ssl, p, end, written);
  *written += (size_t)(p - buf);
  return result;
}

#define mbedtls_ssl_write_alpn_ext write_first_extensions
#include "ssl_tls13_server.c"
