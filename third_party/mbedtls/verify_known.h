/* An addition to mbedTLS: in a TLS handshake the verification callback (mbedtls_ssl_set_verify) is
 * first asked, with the depth below and the head of the chain that the peer sent, whether this very
 * chain is known to be good. 1: it is, its signatures, names and dates are not checked and the
 * callback is not called again; 0: it is not known. What depends on the handshake, the use of the
 * key and the peer's own signature, is always checked. */
#ifndef OPENAI_PROXY_VERIFY_KNOWN_H
#define OPENAI_PROXY_VERIFY_KNOWN_H

#define OPENAI_PROXY_DEPTH_CHAIN (-1)

#endif
