#pragma once

// The process's random generator in the shape mbedTLS's callbacks have.

#include <cstddef>

#include <mbedtls/ctr_drbg.h>
#include <psa/crypto.h>

namespace tls {

// Fills `into`; 0 or an mbedTLS error. The first argument is not used. Any thread, after init().
// (mbedtls_psa_get_random() is the same, but its header is not fit for C++.)
inline int random_bytes(void* /*unused*/, unsigned char* into, size_t size) {
  return psa_generate_random(into, size) == PSA_SUCCESS
             ? 0
             : MBEDTLS_ERR_CTR_DRBG_ENTROPY_SOURCE_FAILED;
}

}  // namespace tls
