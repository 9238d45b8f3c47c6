// Our own short words where mbedTLS's are for its developers.
#include "tls/error_text.h"

#include <algorithm>
#include <array>
#include <ctime>
#include <fmt/format.h>
#include <string_view>

#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <mbedtls/x509_crt.h>

#include "base/speech.h"
#include "tls/context.h"

namespace tls {
namespace {

struct Reason {
  uint32_t flag;
  std::string_view text;
};

constexpr Reason reasons[] = {
    {MBEDTLS_X509_BADCERT_EXPIRED, "expired"},
    {MBEDTLS_X509_BADCERT_FUTURE, "not valid yet"},
    {MBEDTLS_X509_BADCERT_CN_MISMATCH, "wrong name"},
    {MBEDTLS_X509_BADCERT_NOT_TRUSTED, "unknown CA"},
    {MBEDTLS_X509_BADCERT_REVOKED, "revoked"},
    {MBEDTLS_X509_BADCERT_MISSING, "no certificate"},
    {MBEDTLS_X509_BADCERT_KEY_USAGE, "key usage does not allow it"},
    {MBEDTLS_X509_BADCERT_EXT_KEY_USAGE, "not for servers (extended key usage)"},
    {MBEDTLS_X509_BADCERT_NS_CERT_TYPE, "certificate type does not allow it"},
    {MBEDTLS_X509_BADCERT_BAD_MD, "signed with too weak a hash"},
    {MBEDTLS_X509_BADCERT_BAD_PK, "signed with too weak a kind of key"},
    {MBEDTLS_X509_BADCERT_BAD_KEY, "key too weak"},
    {MBEDTLS_X509_BADCERT_OTHER, "against its CA's name constraints"},
};

struct Alert {
  uint8_t number;
  std::string_view text;
};

// Those that tell a person what to change.
constexpr Alert alerts[] = {
    {MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE, "no common cipher or group"},
    {MBEDTLS_SSL_ALERT_MSG_BAD_CERT, "bad certificate"},
    {MBEDTLS_SSL_ALERT_MSG_CERT_UNKNOWN, "unknown certificate"},
    {MBEDTLS_SSL_ALERT_MSG_UNKNOWN_CA, "unknown CA"},
    {MBEDTLS_SSL_ALERT_MSG_ACCESS_DENIED, "access denied"},
    {MBEDTLS_SSL_ALERT_MSG_PROTOCOL_VERSION, "no common TLS version (here: 1.2 and 1.3)"},
    {MBEDTLS_SSL_ALERT_MSG_INTERNAL_ERROR, "internal error"},
    {MBEDTLS_SSL_ALERT_MSG_UNRECOGNIZED_NAME, "it does not know this server name"},
    {116, "it demands a client certificate, which this proxy has not"},
    {MBEDTLS_SSL_ALERT_MSG_NO_APPLICATION_PROTOCOL, "it does not speak http/1.1"},
};

constexpr size_t name_bytes_max = 256;

// See alert_raw().
constexpr int alert_bit = 0x10000;
constexpr int asked_bit = 0x100;

std::string name_text(const mbedtls_x509_name& name) {
  std::array<char, name_bytes_max> text{};
  if (mbedtls_x509_dn_gets(text.data(), text.size(), &name) <= 0) return "(unreadable)";
  return text.data();
}

std::string day_text(const mbedtls_x509_time& time) {
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
                     time.year,
                     time.mon,
                     time.day,
                     time.hour,
                     time.min,
                     time.sec);
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts);
  return text.data();
}

bool signed_itself(const mbedtls_x509_crt& certificate) {
  const mbedtls_x509_buf& subject = certificate.subject_raw;
  const mbedtls_x509_buf& issuer = certificate.issuer_raw;
  return std::equal(subject.p, subject.p + subject.len, issuer.p, issuer.p + issuer.len);
}

std::string advice_on(uint32_t flag, const mbedtls_x509_crt& certificate, std::string_view name) {
  switch (flag) {
    case MBEDTLS_X509_BADCERT_EXPIRED:
      return fmt::format(
          "it is to be renewed where it is used, unless this machine's clock is "
          "wrong, which says {} UTC",
          now_text());
    case MBEDTLS_X509_BADCERT_FUTURE:
      return fmt::format("is this machine's clock right? It says {} UTC", now_text());
    case MBEDTLS_X509_BADCERT_CN_MISMATCH:
      return fmt::format(
          "it is not for \"{}\": connect to a name that it has, or set the "
          "upstream's `host` to one",
          name);
    case MBEDTLS_X509_BADCERT_NOT_TRUSTED:
      if (name.empty()) return "listen.tls.client_ca has no CA that signed it";
      if (signed_itself(certificate))
        return "it signed itself: name it as the upstream's tls.ca_file";
      return "no CA that is trusted here signed it, or whoever shows it leaves out an intermediate "
             "certificate: have it send the whole chain, or name a private CA as the upstream's "
             "tls.ca_file";
    case MBEDTLS_X509_BADCERT_BAD_MD:
    case MBEDTLS_X509_BADCERT_BAD_PK:
    case MBEDTLS_X509_BADCERT_BAD_KEY:
      return fmt::format("its key has {} bits: RSA must have 2048, and signatures SHA-256 or more",
                         mbedtls_pk_get_bitlen(&certificate.pk));
    default:
      return {};
  }
}

std::string alternative_names_text(const mbedtls_x509_crt& certificate) {
  constexpr int tag_mask = MBEDTLS_ASN1_TAG_VALUE_MASK;
  std::string text;
  for (const mbedtls_x509_sequence* entry = &certificate.subject_alt_names; entry != nullptr;
       entry = entry->next) {
    if (entry->buf.p == nullptr || (entry->buf.tag & tag_mask) != MBEDTLS_X509_SAN_DNS_NAME) {
      continue;
    }
    if (text.size() + entry->buf.len > name_bytes_max) return text + " …";
    text += ' ';
    text.append(reinterpret_cast<const char*>(entry->buf.p), entry->buf.len);
  }
  return text;
}

}  // namespace

std::string library_text(int code) {
  // Texts of mbedTLS's that are a page long, or for its developers.
  switch (code) {
    case MBEDTLS_ERR_SSL_CONN_EOF:
      return "the connection ended within the handshake";
    case MBEDTLS_ERR_SSL_BUFFER_TOO_SMALL:
      return "a handshake message is longer than may be: certificates have 100 KiB together";
    case MBEDTLS_ERR_SSL_BAD_PROTOCOL_VERSION:
      return "no common TLS version (here: 1.2 and 1.3)";
    default:
      break;
  }
  std::array<char, 256> text{};
  mbedtls_strerror(code, text.data(), text.size());
  return fmt::format("{} (-0x{:04x})", text.data(), static_cast<unsigned>(-code));
}

int alert_raw(uint8_t alert, bool asked) {
  return alert | (asked ? asked_bit : 0) | alert_bit;
}

std::string alert_text(uint8_t alert, bool asked) {
  // RFC 5246 has no other alert for it, and OpenSSL uses this one.
  if (asked && (alert == MBEDTLS_SSL_ALERT_MSG_HANDSHAKE_FAILURE ||
                alert == MBEDTLS_SSL_ALERT_MSG_BAD_CERT)) {
    return fmt::format(
        "the peer ended it with alert {}: it demands a client certificate, which this proxy has "
        "not",
        alert);
  }
  for (const Alert& known : alerts) {
    if (known.number != alert) continue;
    return fmt::format("the peer ended it with alert {}: {}", alert, known.text);
  }
  return fmt::format("the peer ended it with alert {}", alert);
}

std::string refusal_text(uint32_t flags) {
  std::string text;
  for (const Reason& reason : reasons) {
    if ((flags & reason.flag) == 0) continue;
    flags &= ~reason.flag;
    text += fmt::format("{}{}", text.empty() ? "" : ", ", reason.text);
  }
  if (flags != 0 || text.empty()) {
    text += fmt::format("{}refused (flags 0x{:x})", text.empty() ? "" : ", ", flags);
  }
  return text;
}

std::string refusal_advice(uint32_t flags,
                           const mbedtls_x509_crt& certificate,
                           std::string_view name) {
  std::string text;
  for (const Reason& reason : reasons) {
    if ((flags & reason.flag) == 0) continue;
    const std::string advice = advice_on(reason.flag, certificate, name);
    // One sentence on the key is enough.
    if (advice.empty() || text.find(advice) != std::string::npos) continue;
    text += text.empty() ? "" : "; ";
    text += advice;
  }
  return text;
}

std::string certificate_text(const mbedtls_x509_crt& certificate) {
  std::string text = fmt::format("subject \"{}\", issuer \"{}\", valid from {} to {} UTC",
                                 name_text(certificate.subject),
                                 name_text(certificate.issuer),
                                 day_text(certificate.valid_from),
                                 day_text(certificate.valid_to));
  const std::string names = alternative_names_text(certificate);
  if (!names.empty()) text += fmt::format(", for{}", names);
  return text;
}

std::string error_text(base::Error error) {
  if (error.code == base::Code::certificate) {
    return refusal_text(static_cast<uint32_t>(error.raw));
  }
  if (error.code == base::Code::protocol) {
    std::string_view advice = base::speech_advice(error);
    advice.remove_suffix(1);  // it goes on within a line
    return std::string(advice);
  }
  if (error.code == base::Code::tls && error.raw > 0) {
    return alert_text(static_cast<uint8_t>(error.raw & 0xff), (error.raw & asked_bit) != 0);
  }
  if (error.code == base::Code::tls && error.raw != 0) return library_text(error.raw);
  return std::string(base::code_name(error.code));
}

}  // namespace tls
