/* ipsec-mb's AES-GCM kernels: which this processor can run. They are linked one by one instead of
 * through ipsec-mb's manager, which would bring 12 MB of other algorithms into the program. */
#ifndef OPENAI_PROXY_GCM_KERNELS_H
#define OPENAI_PROXY_GCM_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct gcm_context_data;
struct gcm_key_data;

/* Encrypts or decrypts `length` bytes (in place or apart) and makes the tag, all at once. `context`
 * is scratch; `iv` has 12 bytes; `tag_length` is 16. */
typedef void (*openai_proxy_gcm_crypt)(const struct gcm_key_data* key,
                                       struct gcm_context_data* context,
                                       uint8_t* output,
                                       const uint8_t* input,
                                       uint64_t length,
                                       const uint8_t* iv,
                                       const uint8_t* add,
                                       uint64_t add_length,
                                       uint8_t* tag,
                                       uint64_t tag_length);

/* What one key size takes. The tables of a key are made by `expand`, then `precompute`. */
struct openai_proxy_gcm_size {
  void (*expand)(const void* key, void* expanded_keys);
  void (*precompute)(struct gcm_key_data* key);
  openai_proxy_gcm_crypt encrypt;
  openai_proxy_gcm_crypt decrypt;
};

struct openai_proxy_gcm_kernels {
  const char* name; /* "vaes_avx512", "avx2" or "sse" */
  struct openai_proxy_gcm_size aes128;
  struct openai_proxy_gcm_size aes256;
};

/* The fastest that this processor runs and that agree with mbedTLS's own code; NULL where there are
 * none. Decided on the first call. Any thread. */
const struct openai_proxy_gcm_kernels* openai_proxy_gcm_kernels(void);

/* For tests: use those of that name from now on, for keys set from now on; NULL: none. Returns 0,
 * or -1 when this processor cannot run them. No other thread may use AES-GCM meanwhile. */
int openai_proxy_gcm_choose(const char* name);

#ifdef __cplusplus
}
#endif

#endif
