/* An addition to mbedTLS: how many signatures of certificates this thread checks at most until the
 * next call. A list of 100 KiB has room for hundreds of certificates with one name, each of which
 * would be tried as the issuer of each. */
#ifndef OPENAI_PROXY_VERIFY_LIMITS_H
#define OPENAI_PROXY_VERIFY_LIMITS_H

void openai_proxy_allow_signatures(int count);

#endif
