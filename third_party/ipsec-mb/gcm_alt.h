/* The AES-GCM context of mbedTLS built with MBEDTLS_GCM_ALT: it computes with ipsec-mb's kernels
 * (gcm_kernels.h) what TLS asks for, and with mbedTLS's own code (gcm_software.h) all the rest.
 * Included by mbedtls/gcm.h, which has the functions. */
#ifndef OPENAI_PROXY_GCM_ALT_H
#define OPENAI_PROXY_GCM_ALT_H

#include <stdint.h>

struct software_gcm_context;

/* It keeps the bare key: the tables made of it weigh 1 KiB and more, and a TLS connection has two
 * keys. Recently used tables are kept elsewhere, a bounded number per process. */
typedef struct mbedtls_gcm_context {
  struct software_gcm_context* software; /* made when first needed */
  unsigned char key[32];
  uint16_t key_bits;    /* 128 or 256; 0 where only `software` knows the key */
  uint16_t table_index; /* where its key table was last */
} mbedtls_gcm_context;

#endif
