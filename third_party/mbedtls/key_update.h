/* An addition to mbedTLS: TLS 1.3's KeyUpdate (RFC 8446 4.6.3), which 3.6 refuses. */
#ifndef OPENAI_PROXY_KEY_UPDATE_H
#define OPENAI_PROXY_KEY_UPDATE_H

struct mbedtls_ssl_context;

#ifdef __cplusplus
extern "C" {
#endif

/* mbedtls_ssl_read() returns these where the peer has changed the keys it writes with: what comes
 * next is read with the new ones already, call it again. With the second the peer wants ours to
 * change as well, before the next application data: openai_proxy_update_keys(). No other code of
 * mbedTLS's is that small. */
#define OPENAI_PROXY_KEYS_UPDATED (-0x10001)
#define OPENAI_PROXY_KEY_UPDATE_REQUESTED (-0x10002)

/* Writes a KeyUpdate that asks for none in return, and from then on with new keys. After the
 * handshake, TLS 1.3 only. 0 or an mbedTLS error, after which the context is of no more use. */
int openai_proxy_update_keys(struct mbedtls_ssl_context* ssl);

#ifdef __cplusplus
}
#endif

#endif
