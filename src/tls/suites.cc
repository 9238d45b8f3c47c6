// The order of cipher suites. mbedTLS's own puts ChaCha20 first.
#include "tls/suites.h"

#include <mbedtls/ssl_ciphersuites.h>

#if defined(MBEDTLS_GCM_ALT)
#include <gcm_kernels.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

namespace tls {
namespace {

// AES-128 before AES-256: a tenth faster on long records, and its SHA-256 halves what a handshake
// hashes; nobody breaks either.
constexpr int aes_suites[] = {MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                              MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                              MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                              MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                              MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                              MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                              MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                              0};

constexpr int chacha_suites[] = {MBEDTLS_TLS1_3_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS1_3_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS1_3_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                 MBEDTLS_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                 MBEDTLS_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
                                 0};

}  // namespace

bool aes_gcm_is_fast() {
#if defined(MBEDTLS_GCM_ALT)
  return openai_proxy_gcm_kernels() != nullptr;
#elif defined(__aarch64__)
  constexpr unsigned long needed = HWCAP_AES | HWCAP_PMULL;  // what mbedTLS asks for
  return (getauxval(AT_HWCAP) & needed) == needed;
#else
  return false;  // mbedTLS uses AES-NI too, but one block at a time: half of ChaCha20's speed
#endif
}

const int* ciphersuites(bool aes_first) {
  return aes_first ? aes_suites : chacha_suites;
}

}  // namespace tls
