/* Compiles mbedTLS's gcm.c a second time, as if nothing replaced it, with its names changed. */
#include "common.h"

#undef MBEDTLS_GCM_ALT
#define mbedtls_gcm_context software_gcm_context
#define mbedtls_gcm_init software_gcm_init
#define mbedtls_gcm_free software_gcm_free
#define mbedtls_gcm_setkey software_gcm_setkey
#define mbedtls_gcm_crypt_and_tag software_gcm_crypt_and_tag
#define mbedtls_gcm_auth_decrypt software_gcm_auth_decrypt
#define mbedtls_gcm_starts software_gcm_starts
#define mbedtls_gcm_update_ad software_gcm_update_ad
#define mbedtls_gcm_update software_gcm_update
#define mbedtls_gcm_finish software_gcm_finish
#include "gcm.c"

#include "gcm_software.h"

struct software_gcm_context *software_gcm_new(void)
{
    struct software_gcm_context *context = mbedtls_calloc(1, sizeof(*context));
    if (context != NULL) {
        software_gcm_init(context);
    }
    return context;
}

void software_gcm_delete(struct software_gcm_context *context)
{
    software_gcm_free(context);
    mbedtls_free(context);
}
