/* mbedtls/gcm.h over ipsec-mb's kernels. They take whole messages with 12-byte IVs and keys of 128
 * or 256 bits, which is all TLS has; the rest goes to mbedTLS's own code. */
#include "gcm_alt.h"

#include <intel-ipsec-mb.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <mbedtls/constant_time.h>
#include <mbedtls/gcm.h>
#include <mbedtls/platform_util.h>

#include "gcm_kernels.h"
#include "gcm_software.h"

#define IV_BYTES 12
#define TAG_BYTES 16
#define TAG_BYTES_MIN 4
#define LENGTH_MAX ((1ull << 36) - 32) /* NIST SP 800-38D 5.2.1.1 */

/* The key tables in use. Making one costs as much as a record of 2 KiB (150 ns), so the busiest
 * contexts should have theirs ready; keeping one in each would cost a connection 2 KiB. */
#define TABLES_COUNT 256 /* 320 KiB, untouched until used */
#define BUSY ((uintptr_t)1)

struct key_table {
  _Alignas(64) struct gcm_key_data key;
  atomic_uintptr_t owner; /* the context it belongs to, with BUSY while in use; 0: none */
};

static struct key_table tables[TABLES_COUNT];
static atomic_uint next_table;

static const struct openai_proxy_gcm_size *size_of(const mbedtls_gcm_context *ctx)
{
  const struct openai_proxy_gcm_kernels *kernels = openai_proxy_gcm_kernels();
  if (kernels == NULL) return NULL;
  return ctx->key_bits == 128 ? &kernels->aes128 : &kernels->aes256;
}

static void fill(struct gcm_key_data *table, const mbedtls_gcm_context *ctx,
                 const struct openai_proxy_gcm_size *size)
{
  size->expand(ctx->key, table->expanded_keys);
  size->precompute(table);
}

/* Makes `table` busy on behalf of `ctx` if its owner still is `owner`. */
static int claim(struct key_table *table, uintptr_t owner, const mbedtls_gcm_context *ctx)
{
  return atomic_compare_exchange_strong_explicit(&table->owner, &owner, (uintptr_t)ctx | BUSY,
                                                 memory_order_acquire, memory_order_relaxed);
}

static void release(struct key_table *table, uintptr_t owner)
{
  atomic_store_explicit(&table->owner, owner, memory_order_release);
}

/* The table of the context's key, busy until release()d; NULL when the one whose turn it is to be
 * given up is busy itself. */
static struct key_table *take_table(mbedtls_gcm_context *ctx,
                                    const struct openai_proxy_gcm_size *size)
{
  struct key_table *table = &tables[ctx->table_index];
  uintptr_t owner = atomic_load_explicit(&table->owner, memory_order_relaxed);
  if (owner == (uintptr_t)ctx && claim(table, owner, ctx)) return table;

  const unsigned int turn = atomic_fetch_add_explicit(&next_table, 1, memory_order_relaxed);
  ctx->table_index = (uint16_t)(turn % TABLES_COUNT);
  table = &tables[ctx->table_index];
  owner = atomic_load_explicit(&table->owner, memory_order_relaxed);
  if ((owner & BUSY) != 0 || !claim(table, owner, ctx)) return NULL;
  if (owner != 0) mbedtls_platform_zeroize(&table->key, sizeof table->key);
  fill(&table->key, ctx, size);
  return table;
}

/* Wipes the table that the context may have; another context may have taken it over since. */
static void drop_table(const mbedtls_gcm_context *ctx)
{
  struct key_table *table = &tables[ctx->table_index];
  const uintptr_t owner = atomic_load_explicit(&table->owner, memory_order_relaxed);
  if (owner != (uintptr_t)ctx || !claim(table, owner, ctx)) return;
  mbedtls_platform_zeroize(&table->key, sizeof table->key);
  release(table, 0);
}

static void run(mbedtls_gcm_context *ctx, int mode, size_t length, const unsigned char *iv,
                const unsigned char *add, size_t add_length, const unsigned char *input,
                unsigned char *output, unsigned char tag[TAG_BYTES])
{
  const struct openai_proxy_gcm_size *size = size_of(ctx);
  const openai_proxy_gcm_crypt crypt =
      mode == MBEDTLS_GCM_ENCRYPT ? size->encrypt : size->decrypt;
  struct gcm_context_data scratch;
  struct key_table *table = take_table(ctx, size);
  if (table != NULL) {
    crypt(&table->key, &scratch, output, input, length, iv, add, add_length, tag, TAG_BYTES);
    release(table, (uintptr_t)ctx);
  } else {
    _Alignas(64) struct gcm_key_data own;
    fill(&own, ctx, size);
    crypt(&own, &scratch, output, input, length, iv, add, add_length, tag, TAG_BYTES);
    mbedtls_platform_zeroize(&own, sizeof own);
  }
  mbedtls_platform_zeroize(&scratch, sizeof scratch);
}

/* In place or quite apart; mbedTLS also allows buffers that overlap by a distance. */
static int fits(const mbedtls_gcm_context *ctx, size_t length, size_t iv_length,
                const unsigned char *input, const unsigned char *output)
{
  const uintptr_t from = (uintptr_t)input, to = (uintptr_t)output;
  const uintptr_t distance = from > to ? from - to : to - from;
  return ctx->key_bits != 0 && size_of(ctx) != NULL && iv_length == IV_BYTES &&
         length <= LENGTH_MAX && (distance == 0 || distance >= length);
}

/* mbedTLS's own context with this one's key; 0 or an error. */
static int need_software(mbedtls_gcm_context *ctx)
{
  if (ctx->software != NULL) return 0;
  if (ctx->key_bits == 0) return MBEDTLS_ERR_GCM_BAD_INPUT; /* no key was set */
  ctx->software = software_gcm_new();
  if (ctx->software == NULL) return MBEDTLS_ERR_CIPHER_ALLOC_FAILED;
  return software_gcm_setkey(ctx->software, MBEDTLS_CIPHER_ID_AES, ctx->key, ctx->key_bits);
}

void mbedtls_gcm_init(mbedtls_gcm_context *ctx)
{
  memset(ctx, 0, sizeof *ctx);
}

void mbedtls_gcm_free(mbedtls_gcm_context *ctx)
{
  if (ctx == NULL) return;
  drop_table(ctx);
  software_gcm_delete(ctx->software);
  mbedtls_platform_zeroize(ctx, sizeof *ctx);
}

int mbedtls_gcm_setkey(mbedtls_gcm_context *ctx, mbedtls_cipher_id_t cipher,
                       const unsigned char *key, unsigned int keybits)
{
  mbedtls_gcm_free(ctx);
  if (cipher == MBEDTLS_CIPHER_ID_AES && (keybits == 128 || keybits == 256) &&
      openai_proxy_gcm_kernels() != NULL) {
    memcpy(ctx->key, key, keybits / 8);
    ctx->key_bits = (uint16_t)keybits;
    return 0;
  }
  ctx->software = software_gcm_new();
  if (ctx->software == NULL) return MBEDTLS_ERR_CIPHER_ALLOC_FAILED;
  return software_gcm_setkey(ctx->software, cipher, key, keybits);
}

int mbedtls_gcm_crypt_and_tag(mbedtls_gcm_context *ctx, int mode, size_t length,
                              const unsigned char *iv, size_t iv_len, const unsigned char *add,
                              size_t add_len, const unsigned char *input, unsigned char *output,
                              size_t tag_len, unsigned char *tag)
{
  if (!fits(ctx, length, iv_len, input, output)) {
    const int result = need_software(ctx);
    if (result != 0) return result;
    return software_gcm_crypt_and_tag(ctx->software, mode, length, iv, iv_len, add, add_len, input,
                                      output, tag_len, tag);
  }
  if (tag_len < TAG_BYTES_MIN || tag_len > TAG_BYTES) return MBEDTLS_ERR_GCM_BAD_INPUT;
  unsigned char whole[TAG_BYTES];
  run(ctx, mode, length, iv, add, add_len, input, output, whole);
  memcpy(tag, whole, tag_len);
  return 0;
}

/* Looks at all bytes, whatever they are: mbedtls_ct_memcmp goes byte by byte. */
static int are_equal(const unsigned char *tag, const unsigned char *made, size_t length)
{
  if (length != TAG_BYTES) return mbedtls_ct_memcmp(tag, made, length) == 0;
  uint64_t a[2], b[2];
  memcpy(a, tag, sizeof a);
  memcpy(b, made, sizeof b);
  uint64_t differing = (a[0] ^ b[0]) | (a[1] ^ b[1]);
  __asm__("" : "+r"(differing)); /* so that no half is decided upon by itself */
  return differing == 0;
}

int mbedtls_gcm_auth_decrypt(mbedtls_gcm_context *ctx, size_t length, const unsigned char *iv,
                             size_t iv_len, const unsigned char *add, size_t add_len,
                             const unsigned char *tag, size_t tag_len, const unsigned char *input,
                             unsigned char *output)
{
  unsigned char made[TAG_BYTES];
  const int result = mbedtls_gcm_crypt_and_tag(ctx, MBEDTLS_GCM_DECRYPT, length, iv, iv_len, add,
                                               add_len, input, output, tag_len, made);
  if (result != 0) return result;
  if (are_equal(tag, made, tag_len)) return 0;
  mbedtls_platform_zeroize(output, length);
  return MBEDTLS_ERR_GCM_AUTH_FAILED;
}

int mbedtls_gcm_starts(mbedtls_gcm_context *ctx, int mode, const unsigned char *iv, size_t iv_len)
{
  const int result = need_software(ctx);
  return result != 0 ? result : software_gcm_starts(ctx->software, mode, iv, iv_len);
}

int mbedtls_gcm_update_ad(mbedtls_gcm_context *ctx, const unsigned char *add, size_t add_len)
{
  const int result = need_software(ctx);
  return result != 0 ? result : software_gcm_update_ad(ctx->software, add, add_len);
}

int mbedtls_gcm_update(mbedtls_gcm_context *ctx, const unsigned char *input, size_t input_length,
                       unsigned char *output, size_t output_size, size_t *output_length)
{
  const int result = need_software(ctx);
  return result != 0 ? result
                     : software_gcm_update(ctx->software, input, input_length, output, output_size,
                                           output_length);
}

int mbedtls_gcm_finish(mbedtls_gcm_context *ctx, unsigned char *output, size_t output_size,
                       size_t *output_length, unsigned char *tag, size_t tag_len)
{
  const int result = need_software(ctx);
  return result != 0 ? result
                     : software_gcm_finish(ctx->software, output, output_size, output_length, tag,
                                           tag_len);
}
