/* mbedTLS's own AES-GCM under other names, beside the one that gcm_alt.h replaces it with: for
 * processors without AES instructions, and for what the kernels do not do. The functions are those
 * of mbedtls/gcm.h. */
#ifndef OPENAI_PROXY_GCM_SOFTWARE_H
#define OPENAI_PROXY_GCM_SOFTWARE_H

#include <stddef.h>

#include <mbedtls/cipher.h>

#ifdef __cplusplus
extern "C" {
#endif

struct software_gcm_context;

/* A context on the heap, without a key; NULL without memory. */
struct software_gcm_context* software_gcm_new(void);
/* Wipes and frees it; NULL is fine. */
void software_gcm_delete(struct software_gcm_context* context);

int software_gcm_setkey(struct software_gcm_context* context,
                        mbedtls_cipher_id_t cipher,
                        const unsigned char* key,
                        unsigned int key_bits);
int software_gcm_crypt_and_tag(struct software_gcm_context* context,
                               int mode,
                               size_t length,
                               const unsigned char* iv,
                               size_t iv_length,
                               const unsigned char* add,
                               size_t add_length,
                               const unsigned char* input,
                               unsigned char* output,
                               size_t tag_length,
                               unsigned char* tag);
int software_gcm_auth_decrypt(struct software_gcm_context* context,
                              size_t length,
                              const unsigned char* iv,
                              size_t iv_length,
                              const unsigned char* add,
                              size_t add_length,
                              const unsigned char* tag,
                              size_t tag_length,
                              const unsigned char* input,
                              unsigned char* output);
int software_gcm_starts(struct software_gcm_context* context,
                        int mode,
                        const unsigned char* iv,
                        size_t iv_length);
int software_gcm_update_ad(struct software_gcm_context* context,
                           const unsigned char* add,
                           size_t add_length);
int software_gcm_update(struct software_gcm_context* context,
                        const unsigned char* input,
                        size_t input_length,
                        unsigned char* output,
                        size_t output_size,
                        size_t* output_length);
int software_gcm_finish(struct software_gcm_context* context,
                        unsigned char* output,
                        size_t output_size,
                        size_t* output_length,
                        unsigned char* tag,
                        size_t tag_length);

#ifdef __cplusplus
}
#endif

#endif
