/* The choice among the kernels that every supported version of ipsec-mb has. */
#include "gcm_kernels.h"

#include <intel-ipsec-mb.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include <mbedtls/platform_util.h>

#include "gcm_software.h"

#define DECLARE_KEY_SIZE(bits, kernel, expansion)                                                 \
  void aes_keyexp_##bits##_enc_##expansion(const void *key, void *expanded_keys);                 \
  void aes_gcm_precomp_##bits##_##kernel(struct gcm_key_data *key);                               \
  void aes_gcm_enc_##bits##_##kernel(                                                             \
      const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *output,          \
      const uint8_t *input, uint64_t length, const uint8_t *iv, const uint8_t *add,               \
      uint64_t add_length, uint8_t *tag, uint64_t tag_length);                                    \
  void aes_gcm_dec_##bits##_##kernel(                                                             \
      const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *output,          \
      const uint8_t *input, uint64_t length, const uint8_t *iv, const uint8_t *add,               \
      uint64_t add_length, uint8_t *tag, uint64_t tag_length)
#define KEY_SIZE(bits, kernel, expansion)                                                         \
  {                                                                                               \
    aes_keyexp_##bits##_enc_##expansion, aes_gcm_precomp_##bits##_##kernel,                       \
        aes_gcm_enc_##bits##_##kernel, aes_gcm_dec_##bits##_##kernel                              \
  }

DECLARE_KEY_SIZE(128, vaes_avx512, avx512);
DECLARE_KEY_SIZE(256, vaes_avx512, avx512);
DECLARE_KEY_SIZE(128, avx_gen4, avx2);
DECLARE_KEY_SIZE(256, avx_gen4, avx2);
DECLARE_KEY_SIZE(128, sse, sse);
DECLARE_KEY_SIZE(256, sse, sse);

#define FEATURES_SSE \
  (IMB_FEATURE_AESNI | IMB_FEATURE_PCLMULQDQ | IMB_FEATURE_SSE4_2 | IMB_FEATURE_CMOV)
#define FEATURES_AVX2 (FEATURES_SSE | IMB_FEATURE_AVX | IMB_FEATURE_AVX2 | IMB_FEATURE_BMI2)
#define FEATURES_VAES_AVX512 \
  (FEATURES_AVX2 | IMB_FEATURE_AVX512_SKX | IMB_FEATURE_VAES | IMB_FEATURE_VPCLMULQDQ)

/* The fastest first. */
static const struct openai_proxy_gcm_kernels kernels[] = {
    {"vaes_avx512", KEY_SIZE(128, vaes_avx512, avx512), KEY_SIZE(256, vaes_avx512, avx512)},
    {"avx2", KEY_SIZE(128, avx_gen4, avx2), KEY_SIZE(256, avx_gen4, avx2)},
    {"sse", KEY_SIZE(128, sse, sse), KEY_SIZE(256, sse, sse)},
};

/* Whether processor and operating system have what kernels[index] needs. ipsec-mb 1.3 asks only the
 * processor; the compiler's own test also asks whether the system saves the wide registers. */
static int supported(size_t index)
{
  const uint64_t features = imb_get_feature_flags();
  switch (index) {
    case 0:
      return (features & FEATURES_VAES_AVX512) == FEATURES_VAES_AVX512 &&
             __builtin_cpu_supports("avx512bw");
    case 1:
      return (features & FEATURES_AVX2) == FEATURES_AVX2 && __builtin_cpu_supports("avx2");
    default:
      return (features & FEATURES_SSE) == FEATURES_SSE;
  }
}

/* Whether the kernels of one key size make of a message what mbedTLS makes of it: their names are
 * no promise of ipsec-mb's. */
static int agrees(const struct openai_proxy_gcm_size *size, unsigned int key_bits)
{
  enum { length = 999, tag_length = 16 };
  static const uint8_t key[32] = {0x9a, 0x1f, 0x42, 0xd0, 0x33}, iv[12] = {7, 1}, add[13] = {3};
  _Alignas(64) struct gcm_key_data table;
  struct gcm_context_data scratch;
  uint8_t plain[length], sealed[length], tag[tag_length];
  uint8_t expected[length], expected_tag[tag_length];
  int good = 0;
  for (size_t i = 0; i < length; ++i) {
    plain[i] = (uint8_t)(i * 7);
  }
  struct software_gcm_context *software = software_gcm_new();
  if (software != NULL &&
      software_gcm_setkey(software, MBEDTLS_CIPHER_ID_AES, key, key_bits) == 0 &&
      software_gcm_crypt_and_tag(software, 1, length, iv, sizeof iv, add, sizeof add, plain,
                                 expected, tag_length, expected_tag) == 0) {
    size->expand(key, table.expanded_keys);
    size->precompute(&table);
    size->encrypt(&table, &scratch, sealed, plain, length, iv, add, sizeof add, tag, tag_length);
    good = memcmp(sealed, expected, length) == 0 && memcmp(tag, expected_tag, tag_length) == 0;
    size->decrypt(&table, &scratch, sealed, sealed, length, iv, add, sizeof add, tag, tag_length);
    good = good && memcmp(sealed, plain, length) == 0 && memcmp(tag, expected_tag, tag_length) == 0;
  }
  software_gcm_delete(software);
  return good;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;
static const struct openai_proxy_gcm_kernels *chosen;

static void choose_fastest(void)
{
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; ++i) {
    if (supported(i) && agrees(&kernels[i].aes128, 128) && agrees(&kernels[i].aes256, 256)) {
      chosen = &kernels[i];
      return;
    }
  }
}

const struct openai_proxy_gcm_kernels *openai_proxy_gcm_kernels(void)
{
  (void)pthread_once(&once, choose_fastest);
  return chosen;
}

int openai_proxy_gcm_choose(const char *name)
{
  (void)pthread_once(&once, choose_fastest);
  if (name == NULL) {
    chosen = NULL;
    return 0;
  }
  for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; ++i) {
    if (strcmp(kernels[i].name, name) == 0 && supported(i)) {
      chosen = &kernels[i];
      return 0;
    }
  }
  return -1;
}
