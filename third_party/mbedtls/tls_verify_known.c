/* mbedTLS's ssl_tls.c with the additions of verify_known.h and verify_limits.h. */
#include "ssl_misc.h"

#include "verify_known.h"
#include "verify_limits.h"

/* A chain has eighteen at most, and some are tried with the wrong issuer. */
enum { signatures_max = 64 };

static int verify_unless_known(mbedtls_x509_crt *chain, mbedtls_x509_crt *roots,
                               mbedtls_x509_crl *revoked, const mbedtls_x509_crt_profile *profile,
                               const char *name, uint32_t *flags,
                               int (*callback)(void *, mbedtls_x509_crt *, int, uint32_t *),
                               void *argument, mbedtls_x509_crt_restart_ctx *restart)
{
  *flags = 0;
  if (callback != NULL && callback(argument, chain, OPENAI_PROXY_DEPTH_CHAIN, flags) == 1) return 0;
  openai_proxy_allow_signatures(signatures_max);
  return mbedtls_x509_crt_verify_restartable(chain, roots, revoked, profile, name, flags, callback,
                                             argument, restart);
}

#define mbedtls_x509_crt_verify_restartable verify_unless_known
#include "ssl_tls.c"
