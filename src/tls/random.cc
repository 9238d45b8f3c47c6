#include "tls/random.h"

#include <mbedtls/ctr_drbg.h>
#include <psa/crypto.h>

namespace tls {

// mbedtls_psa_get_random() is the same, but its header is not fit for C++.
int random_bytes(void* /*unused*/, unsigned char* into, size_t size) {
  return psa_generate_random(into, size) == PSA_SUCCESS
             ? 0
             : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

}  // namespace tls
