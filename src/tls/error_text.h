#pragma once

// Words for what mbedTLS and its certificate checks report.

#include <cstdint>
#include <string>
#include <string_view>

struct mbedtls_x509_crt;

namespace tls {

// mbedTLS's text for one of its (negative) codes, with the code.
[[nodiscard]] std::string library_text(int code);

// Why a certificate was refused: MBEDTLS_X509_BADCERT_* flags as "expired, wrong name".
[[nodiscard]] std::string refusal_text(uint32_t flags);

// What is to be done about it, a sentence for each reason. `name` is whom the certificate had to be
// for; empty on a server's side, where a client showed it.
[[nodiscard]] std::string refusal_advice(uint32_t flags,
                                         const mbedtls_x509_crt& certificate,
                                         std::string_view name);

// What a fatal alert of the peer's says (RFC 8446 6.2). `asked`: it had asked for a certificate.
[[nodiscard]] std::string alert_text(uint8_t alert, bool asked);
// The same as base::Error::raw of Code::tls, beside mbedTLS's negative codes.
[[nodiscard]] int alert_raw(uint8_t alert, bool asked);

// Who a certificate speaks for: subject, issuer, validity and the names it holds for. It is the
// peer's text: control bytes are escaped by the log, its length is bounded here.
[[nodiscard]] std::string certificate_text(const mbedtls_x509_crt& certificate);

}  // namespace tls
