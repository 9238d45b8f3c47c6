/* mbedTLS's ssl_msg.c with what it lacks between records and messages: handshake messages that
 * begin in a record of less than four bytes, or are longer than a record buffer (OpenSSL takes
 * certificates of 100 KiB); ours in records as small as the peer wants them (RFC 6066 4, RFC 8449);
 * key updates; and no message that spans a change of keys (RFC 8446 5.1). */
#include "ssl_misc.h"
#include "ssl_tls13_keys.h"

#include "key_update.h"

#define mbedtls_ssl_read_record library_read_record
#define mbedtls_ssl_read library_read
#define mbedtls_ssl_parse_change_cipher_spec library_parse_change_cipher_spec
#define mbedtls_ssl_write_handshake_msg_ext library_write_handshake_msg_ext
#define mbedtls_ssl_finish_handshake_msg library_finish_handshake_msg
#define mbedtls_ssl_set_inbound_transform library_set_inbound_transform
#include "ssl_msg.c"
#undef mbedtls_ssl_read_record
#undef mbedtls_ssl_read
#undef mbedtls_ssl_parse_change_cipher_spec
#undef mbedtls_ssl_write_handshake_msg_ext
#undef mbedtls_ssl_finish_handshake_msg
#undef mbedtls_ssl_set_inbound_transform

enum {
  message_header_bytes = 4,
  certificate_bytes_max = 100 * 1024, /* OpenSSL's limit */
  message_bytes_max = 32 * 1024,      /* of any other, all short: the rest is an attack */
  growth_bytes_min = 16 * 1024,
  key_update_type = 24,
  key_update_bytes = 5,
  no_message_type = 0, /* of no record */
};

static size_t message_limit(const mbedtls_ssl_context *ssl)
{
  const int certificates_asked = ssl->conf->endpoint == MBEDTLS_SSL_IS_CLIENT ||
                                 ssl->conf->authmode != MBEDTLS_SSL_VERIFY_NONE;
  switch (ssl->in_buf[MBEDTLS_SSL_SEQUENCE_NUMBER_LEN + 5]) {
    case MBEDTLS_SSL_HS_CERTIFICATE:
    case MBEDTLS_SSL_HS_CERTIFICATE_REQUEST:
      if (certificates_asked && ssl->handshake != NULL) return certificate_bytes_max;
      return message_bytes_max;
    default:
      return message_bytes_max;
  }
}

/* Room for another record after the `have` bytes of a message that is going to have `whole`. A
 * peer must have sent half of what its message takes. */
static int make_room(mbedtls_ssl_context *ssl, size_t have, size_t whole)
{
  if (have + MBEDTLS_SSL_IN_BUFFER_LEN <= ssl->in_buf_len) return 0;
  const size_t generous = have < growth_bytes_min ? growth_bytes_min : 2 * have;
  const size_t size = (generous < whole ? generous : whole) + MBEDTLS_SSL_IN_BUFFER_LEN;
  unsigned char *grown = mbedtls_calloc(1, size);
  if (grown == NULL) return MBEDTLS_ERR_SSL_ALLOC_FAILED;
  memcpy(grown, ssl->in_buf, ssl->in_buf_len);
  mbedtls_zeroize_and_free(ssl->in_buf, ssl->in_buf_len);
  ssl->in_buf = grown;
  ssl->in_buf_len = size;
  return 0;
}

/* What mbedtls_ssl_prepare_handshake_record() does, in a buffer that grows, whatever the pieces:
 * moves the record's content to the end of what is there of the message. */
static int gather_message(mbedtls_ssl_context *ssl)
{
  if (ssl->in_msglen == 0) return MBEDTLS_ERR_SSL_INVALID_RECORD;
  const size_t start = MBEDTLS_SSL_SEQUENCE_NUMBER_LEN + 5;
  size_t have = ssl->badmac_seen_or_in_hsfraglen;
  /* The record was read, and lies, behind that place. */
  memmove(ssl->in_buf + start + have, ssl->in_msg, ssl->in_msglen);
  have += ssl->in_msglen;

  size_t whole = message_header_bytes;
  ssl->in_hslen = 0;
  if (have >= message_header_bytes) {
    whole += MBEDTLS_GET_UINT24_BE(ssl->in_buf, start + 1);
    if (whole > message_limit(ssl) + message_header_bytes) {
      MBEDTLS_SSL_PEND_FATAL_ALERT(MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER,
                                   MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL);
      return MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL;
    }
    ssl->in_hslen = whole;
  }
  if (have < whole) {
    const int result = make_room(ssl, have, whole);
    if (result != 0) return result;
    ssl->badmac_seen_or_in_hsfraglen = (unsigned)have;
    ssl->in_msglen = 0;
    ssl->in_hdr = ssl->in_buf + start + have;
    mbedtls_ssl_update_in_pointers(ssl);
    return MBEDTLS_ERR_SSL_CONTINUE_PROCESSING;
  }
  ssl->badmac_seen_or_in_hsfraglen = 0;
  ssl->in_msglen = have;
  ssl->in_hdr = ssl->in_buf + MBEDTLS_SSL_SEQUENCE_NUMBER_LEN;
  mbedtls_ssl_update_in_pointers(ssl);
  return 0;
}

static int take_record(mbedtls_ssl_context *ssl)
{
  if (ssl->in_msgtype == no_message_type) return MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
  return ssl->in_msgtype == MBEDTLS_SSL_MSG_HANDSHAKE ? gather_message(ssl)
                                                      : mbedtls_ssl_handle_message_type(ssl);
}

int mbedtls_ssl_read_record(mbedtls_ssl_context *ssl, unsigned update_hs_digest)
{
  if (ssl->keep_current_message != 0) {
    ssl->keep_current_message = 0;
    return 0;
  }
  int result;
  do {
    result = ssl_consume_current_message(ssl);
    if (result != 0) return result;
    if (ssl_record_is_in_progress(ssl) == 0) {
      result = ssl_get_next_record(ssl);
      if (result == MBEDTLS_ERR_SSL_CONTINUE_PROCESSING) continue;
      if (result != 0) return result;
    }
    result = take_record(ssl);
  } while (result == MBEDTLS_ERR_SSL_NON_FATAL || result == MBEDTLS_ERR_SSL_CONTINUE_PROCESSING);
  if (result == 0 && ssl->in_msgtype == MBEDTLS_SSL_MSG_HANDSHAKE && update_hs_digest == 1) {
    result = mbedtls_ssl_update_handshake_status(ssl);
  }
  return result;
}

int mbedtls_ssl_parse_change_cipher_spec(mbedtls_ssl_context *ssl)
{
  const int result = mbedtls_ssl_read_record(ssl, 1);
  if (result != 0) return result;
  ssl->keep_current_message = 1; /* it reads again */
  return library_parse_change_cipher_spec(ssl);
}

void mbedtls_ssl_set_inbound_transform(mbedtls_ssl_context *ssl, mbedtls_ssl_transform *transform)
{
  /* What follows the message in its record came under the former keys, or under none. */
  if (ssl->in_msgtype == MBEDTLS_SSL_MSG_HANDSHAKE && ssl->in_hslen < ssl->in_msglen) {
    ssl->in_msgtype = no_message_type;
  }
  library_set_inbound_transform(ssl, transform);
}

/* Ours. */

static size_t handshake_payload_max(const mbedtls_ssl_context *ssl)
{
  const int limit = mbedtls_ssl_get_max_out_record_payload(ssl);
  return limit <= 0 ? MBEDTLS_SSL_OUT_CONTENT_LEN : (size_t)limit;
}

static int write_in_pieces(mbedtls_ssl_context *ssl, size_t piece_max)
{
  size_t left = ssl->out_msglen;
  unsigned char *message = mbedtls_calloc(1, left);
  if (message == NULL) return MBEDTLS_ERR_SSL_ALLOC_FAILED;
  memcpy(message, ssl->out_msg, left);
  const unsigned char *next = message;
  int result = 0;
  while (left > 0 && result == 0) {
    const size_t size = left < piece_max ? left : piece_max;
    memcpy(ssl->out_msg, next, size);
    ssl->out_msglen = size;
    ssl->out_msgtype = MBEDTLS_SSL_MSG_HANDSHAKE;
    result = mbedtls_ssl_write_record(ssl, SSL_FORCE_FLUSH);
    next += size;
    left -= size;
  }
  mbedtls_free(message);
  return result;
}

int mbedtls_ssl_write_handshake_msg_ext(mbedtls_ssl_context *ssl, int update_checksum,
                                        int force_flush)
{
  const size_t piece_max = handshake_payload_max(ssl);
  if (ssl->out_msgtype != MBEDTLS_SSL_MSG_HANDSHAKE || ssl->out_msglen <= piece_max ||
      ssl->out_msglen > MBEDTLS_SSL_OUT_CONTENT_LEN || ssl->handshake == NULL ||
      ssl->out_left != 0) {
    return library_write_handshake_msg_ext(ssl, update_checksum, force_flush);
  }
  MBEDTLS_PUT_UINT24_BE(ssl->out_msglen - message_header_bytes, ssl->out_msg, 1);
  if (update_checksum != 0) {
    const int result = ssl->handshake->update_checksum(ssl, ssl->out_msg, ssl->out_msglen);
    if (result != 0) return result;
  }
  return write_in_pieces(ssl, piece_max);
}

int mbedtls_ssl_finish_handshake_msg(mbedtls_ssl_context *ssl, size_t buf_len, size_t msg_len)
{
  (void)buf_len;
  ssl->out_msglen = msg_len + message_header_bytes;
  return mbedtls_ssl_write_handshake_msg_ext(ssl, 0, 0);
}

/* Key updates. */

/* Replaces `secret` by its successor (RFC 8446 7.2) and sets its key and IV (7.3). */
static int next_keys(mbedtls_ssl_context *ssl, unsigned char *secret,
                     mbedtls_cipher_context_t *cipher, mbedtls_operation_t operation,
                     unsigned char *iv)
{
  const mbedtls_ssl_ciphersuite_t *suite =
      mbedtls_ssl_ciphersuite_from_id(ssl->session->ciphersuite);
  if (suite == NULL) return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  const psa_algorithm_t hash = mbedtls_md_psa_alg_from_type((mbedtls_md_type_t)suite->mac);
  const size_t secret_bytes = PSA_HASH_LENGTH(hash);
  const int key_bits = mbedtls_cipher_get_key_bitlen(cipher);
  unsigned char next[MBEDTLS_TLS1_3_MD_MAX_SIZE];
  mbedtls_ssl_key_set keys;
  memset(&keys, 0, sizeof keys);

  int result = mbedtls_ssl_tls13_hkdf_expand_label(
      hash, secret, secret_bytes, MBEDTLS_SSL_TLS1_3_LBL_WITH_LEN(traffic_upd), NULL, 0, next,
      secret_bytes);
  if (result == 0) {
    result = mbedtls_ssl_tls13_make_traffic_keys(hash, next, next, secret_bytes,
                                                 (size_t)key_bits / 8,
                                                 ssl->transform_application->ivlen, &keys);
  }
  if (result == 0) {
    result = mbedtls_cipher_setkey(cipher, keys.client_write_key, key_bits, operation);
  }
  if (result == 0) {
    memcpy(iv, keys.client_write_iv, keys.iv_len);
    memcpy(secret, next, secret_bytes);
  }
  mbedtls_platform_zeroize(next, sizeof next);
  mbedtls_platform_zeroize(&keys, sizeof keys);
  return result;
}

static unsigned char *secret_of(mbedtls_ssl_context *ssl, int endpoint)
{
  mbedtls_ssl_tls13_application_secrets *secrets = &ssl->session->app_secrets;
  return endpoint == MBEDTLS_SSL_IS_CLIENT ? secrets->client_application_traffic_secret_N
                                           : secrets->server_application_traffic_secret_N;
}

static int refuse(mbedtls_ssl_context *ssl, unsigned char alert, int error)
{
  (void)mbedtls_ssl_send_alert_message(ssl, MBEDTLS_SSL_ALERT_LEVEL_FATAL, alert);
  return error;
}

/* The message under in_msg is a KeyUpdate. */
static int take_key_update(mbedtls_ssl_context *ssl)
{
  if (ssl->in_hslen != key_update_bytes) {
    return refuse(ssl, MBEDTLS_SSL_ALERT_MSG_DECODE_ERROR, MBEDTLS_ERR_SSL_DECODE_ERROR);
  }
  const unsigned char requested = ssl->in_msg[message_header_bytes];
  if (requested > 1) {
    return refuse(ssl, MBEDTLS_SSL_ALERT_MSG_ILLEGAL_PARAMETER,
                  MBEDTLS_ERR_SSL_ILLEGAL_PARAMETER);
  }
  /* What follows in its record would be under the former keys. */
  if (ssl->in_hslen < ssl->in_msglen) {
    return refuse(ssl, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE,
                  MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
  }
  const int their_side = ssl->conf->endpoint == MBEDTLS_SSL_IS_CLIENT ? MBEDTLS_SSL_IS_SERVER
                                                                      : MBEDTLS_SSL_IS_CLIENT;
  mbedtls_ssl_transform *keys = ssl->transform_application;
  const int result = next_keys(ssl, secret_of(ssl, their_side), &keys->cipher_ctx_dec,
                               MBEDTLS_DECRYPT, keys->iv_dec);
  if (result != 0) return result;
  memset(ssl->in_ctr, 0, MBEDTLS_SSL_SEQUENCE_NUMBER_LEN);
  return requested == 1 ? OPENAI_PROXY_KEY_UPDATE_REQUESTED : OPENAI_PROXY_KEYS_UPDATED;
}

int openai_proxy_update_keys(mbedtls_ssl_context *ssl)
{
  if (mbedtls_ssl_is_handshake_over(ssl) != 1 || ssl->tls_version != MBEDTLS_SSL_VERSION_TLS1_3) {
    return MBEDTLS_ERR_SSL_BAD_INPUT_DATA;
  }
  static const unsigned char message[key_update_bytes] = {key_update_type, 0, 0, 1, 0};
  memcpy(ssl->out_msg, message, sizeof message);
  ssl->out_msglen = sizeof message;
  ssl->out_msgtype = MBEDTLS_SSL_MSG_HANDSHAKE;
  int result = mbedtls_ssl_write_record(ssl, SSL_FORCE_FLUSH);
  if (result != 0) return result;
  mbedtls_ssl_transform *keys = ssl->transform_application;
  result = next_keys(ssl, secret_of(ssl, ssl->conf->endpoint), &keys->cipher_ctx_enc,
                     MBEDTLS_ENCRYPT, keys->iv_enc);
  memset(ssl->cur_out_ctr, 0, sizeof ssl->cur_out_ctr);
  return result;
}

static int take_message_after_handshake(mbedtls_ssl_context *ssl)
{
  if (ssl->tls_version == MBEDTLS_SSL_VERSION_TLS1_3 && ssl->in_msg[0] == key_update_type) {
    return take_key_update(ssl);
  }
  return ssl_handle_hs_message_post_handshake(ssl);
}

int mbedtls_ssl_read(mbedtls_ssl_context *ssl, unsigned char *buf, size_t len)
{
  int result;
  if (ssl->state != MBEDTLS_SSL_HANDSHAKE_OVER) {
    result = mbedtls_ssl_handshake(ssl);
    if (result != 0) return result;
  }
  while (ssl->in_offt == NULL) {
    result = mbedtls_ssl_read_record(ssl, 1);
    if (result == MBEDTLS_ERR_SSL_CONN_EOF) return 0;
    if (result != 0) return result;
    switch (ssl->in_msgtype) {
      case MBEDTLS_SSL_MSG_HANDSHAKE:
        result = take_message_after_handshake(ssl);
        if (result != 0) return result;
        break;
      case MBEDTLS_SSL_MSG_APPLICATION_DATA:
        if (ssl->in_msglen > 0) ssl->in_offt = ssl->in_msg;
        break;
      default:
        return MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE;
    }
  }
  return ssl_read_application_data(ssl, buf, len);
}
