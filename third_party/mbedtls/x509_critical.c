/* mbedTLS's x509_crt.c with two changes. It takes critical extensions that constrain what a CA may
 * sign: name constraints, which src/tls enforces (verify_known.h's callback sees every certificate
 * of a chain), and those on policies, which concern nobody who asks for no policy, as OpenSSL holds
 * it. And it does not check signatures without end, see verify_limits.h. */
#include "common.h"

#include <limits.h>

#include "mbedtls/x509_crt.h"
#include "mbedtls/oid.h"

#include "verify_limits.h"

static int is_known_constraint(const unsigned char *value)
{
  /* name constraints, certificate policies, policy mappings, policy constraints, inhibit anyPolicy */
  static const unsigned char last_bytes[] = {30, 32, 33, 36, 54};
  static const unsigned char oid_start[] = {MBEDTLS_ASN1_OID, 3, 0x55, 0x1d};
  const unsigned char *oid = value - sizeof oid_start - 1;
  if (memcmp(oid, oid_start, sizeof oid_start) != 0) return 0;
  for (size_t i = 0; i < sizeof last_bytes; ++i) {
    if (oid[sizeof oid_start] == last_bytes[i]) return 1;
  }
  return 0;
}

/* Of an extension its OID has been read before: five bytes at least precede `p`. A CA flag, read by
 * the same function, has the two headers around it there. */
static int get_bool_of_extension(unsigned char **p, const unsigned char *end, int *value)
{
  const int known = is_known_constraint(*p);
  const int result = mbedtls_asn1_get_bool(p, end, value);
  if (result == 0 && known) *value = 0;
  return result;
}

static _Thread_local int signatures_left = INT_MAX;

void openai_proxy_allow_signatures(int count)
{
  signatures_left = count;
}

static int verify_within_limit(mbedtls_pk_type_t type, const void *options, mbedtls_pk_context *key,
                               mbedtls_md_type_t digest, const unsigned char *hash, size_t hash_len,
                               const unsigned char *signature, size_t signature_len)
{
  if (signatures_left <= 0) return MBEDTLS_ERR_PK_FEATURE_UNAVAILABLE;
  --signatures_left;
  return mbedtls_pk_verify_ext(type, options, key, digest, hash, hash_len, signature,
                               signature_len);
}

#define mbedtls_asn1_get_bool get_bool_of_extension
#define mbedtls_pk_verify_ext verify_within_limit
#include "x509_crt.c"
