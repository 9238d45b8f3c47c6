/* mbedTLS's psa_crypto_ecp.c with X25519's public keys computed by Everest, as shared secrets are.
 * The generic code takes ten times as long, once in every TLS 1.3 handshake. */
#define mbedtls_psa_ecp_export_public_key generic_export_public_key
#include "psa_crypto_ecp.c"
#undef mbedtls_psa_ecp_export_public_key

#include <everest/Hacl_Curve25519.h>

psa_status_t mbedtls_psa_ecp_export_public_key(const psa_key_attributes_t *attributes,
                                               const uint8_t *key_buffer, size_t key_buffer_size,
                                               uint8_t *data, size_t data_size,
                                               size_t *data_length)
{
  enum { key_bytes = 32 };
  if (attributes->type != PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY) ||
      attributes->bits != 255 || key_buffer_size != key_bytes) {
    return generic_export_public_key(attributes, key_buffer, key_buffer_size, data, data_size,
                                     data_length);
  }
  if (data_size < key_bytes) return PSA_ERROR_BUFFER_TOO_SMALL;
  uint8_t base_point[key_bytes] = {9};
  uint8_t private_key[key_bytes]; /* it is not written to, only not declared so */
  memcpy(private_key, key_buffer, key_bytes);
  Hacl_Curve25519_crypto_scalarmult(data, private_key, base_point);
  mbedtls_platform_zeroize(private_key, sizeof private_key);
  *data_length = key_bytes;
  return PSA_SUCCESS;
}
