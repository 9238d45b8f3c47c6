/* mbedTLS's ssl_tls12_client.c with one correction. Since 3.6.6 it refuses a server that signs its
 * TLS 1.2 key exchange with RSA-PSS, though whoever offers TLS 1.3 must accept that (RFC 8446 4.2.3)
 * and OpenSSL's servers do so whenever they have an RSA key. */
#include "ssl_misc.h"

static inline int tls12_client_sig_alg_is_supported(const mbedtls_ssl_context *ssl,
                                                    const uint16_t sig_alg)
{
  switch (sig_alg) {
    case MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA256:
    case MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA384:
    case MBEDTLS_TLS1_3_SIG_RSA_PSS_RSAE_SHA512:
      return 1;
    default:
      return mbedtls_ssl_sig_alg_is_supported(ssl, sig_alg);
  }
}

#define mbedtls_ssl_sig_alg_is_supported tls12_client_sig_alg_is_supported
#include "ssl_tls12_client.c"
