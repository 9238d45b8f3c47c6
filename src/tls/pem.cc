#include "tls/pem.h"

#include <cerrno>
#include <cstring>
#include <fmt/format.h>

#include <mbedtls/pem.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509.h>

#include "tls/error_text.h"

namespace tls {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";

bool has(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// A SEQUENCE, as each certificate and key is one; where it is short, to the end.
bool is_der(std::string_view text) {
  if (text.size() < 3 || text[0] != '\x30') return false;
  const auto size = static_cast<unsigned char>(text[1]);
  return size == 0x81 || size == 0x82 || size + size_t{2} == text.size();
}

bool is_wide(std::string_view text) {
  return text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff");
}

std::string other_block(std::string_view text, PemKind kind) {
  if (kind == PemKind::certificate) {
    if (has(text, "PRIVATE KEY-----")) {
      return "holds a private key and no certificate: are `certificate` and `key` swapped?";
    }
    if (has(text, "CERTIFICATE REQUEST-----")) {
      return "holds a certificate request, which a CA has yet to sign";
    }
    if (has(text, "BEGIN TRUSTED CERTIFICATE-----")) {
      return "is in OpenSSL's own form: rewrite it with `openssl x509 -in OLD -out NEW`";
    }
    return "holds no certificate (-----BEGIN CERTIFICATE-----)";
  }
  if (has(text, "BEGIN CERTIFICATE-----")) {
    return "holds a certificate and no private key: are `certificate` and `key` swapped?";
  }
  if (has(text, "PUBLIC KEY-----")) return "holds a public key; the private one is needed";
  return "holds no private key (-----BEGIN PRIVATE KEY-----)";
}

}  // namespace

std::string tidy_pem(std::string_view text) {
  if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
  if (is_der(text) || is_wide(text)) return std::string(text);
  std::string tidy;
  tidy.reserve(text.size());
  const auto drop_blanks = [&] {
    while (!tidy.empty() && (tidy.back() == ' ' || tidy.back() == '\t'))
      tidy.pop_back();
  };
  for (size_t i = 0; i < text.size(); ++i) {
    const bool ends = text[i] == '\n' || text[i] == '\r';
    if (!ends) {
      tidy += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    drop_blanks();
    tidy += '\n';
  }
  drop_blanks();
  return tidy;
}

std::string pem_trouble(std::string_view text, PemKind kind) {
  if (text.find_first_not_of(" \t\n") == std::string_view::npos) return "is empty";
  if (is_der(text)) {
    return fmt::format(
        "is in DER, which is binary: rewrite it as PEM with `openssl {} -inform der "
        "-in OLD -out NEW`",
        kind == PemKind::certificate ? "x509" : "pkey");
  }
  if (is_wide(text)) return "is in UTF-16: save it as plain text";
  const std::string_view begin =
      kind == PemKind::certificate ? "-----BEGIN CERTIFICATE-----" : "PRIVATE KEY-----";
  if (!has(text, begin)) return other_block(text, kind);
  if (kind == PemKind::key) {
    if (has(text, "BEGIN ENCRYPTED PRIVATE KEY") || has(text, "Proc-Type: 4,ENCRYPTED")) {
      return "is encrypted: write it without a password, with `openssl pkey -in OLD -out NEW`";
    }
    if (has(text, "BEGIN OPENSSH PRIVATE KEY")) {
      return "is a key of OpenSSH's: make one with `openssl genpkey`, or rewrite it with "
             "`ssh-keygen -p -m PEM`";
    }
  }
  const std::string_view end =
      kind == PemKind::certificate ? "-----END CERTIFICATE-----" : "PRIVATE KEY-----";
  const size_t last = text.rfind(end);
  if (last == std::string_view::npos || last <= text.find(begin)) {
    return "breaks off: its end is missing";
  }
  return {};
}

std::string unreadable_text(int code) {
  // The high part alone: the low one says where in the file.
  const int high = -(-code & 0xff80);
  switch (high) {
    case MBEDTLS_ERR_PK_UNKNOWN_PK_ALG:
    case MBEDTLS_ERR_X509_UNKNOWN_SIG_ALG:
      return "is of a kind that cannot be used here, Ed25519 perhaps: an ECDSA (P-256) or RSA one "
             "is "
             "needed";
    case MBEDTLS_ERR_PK_UNKNOWN_NAMED_CURVE:
      return "is on a curve that cannot be used here: P-256 or P-384 is needed";
    default:
      return fmt::format("is damaged: {}", library_text(code));
  }
}

std::string unreadable_file_text(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
      return fmt::format("cannot read {}: there is no such file", path);
    case EISDIR:
      return fmt::format("cannot read {}: it is a folder, not a file", path);
    case EACCES:
    case EPERM:
      return fmt::format("cannot read {}: the proxy's user must be allowed to", path);
    case EFBIG:
      return fmt::format("cannot read {}: it is too large to be what it should be", path);
    default:
      return fmt::format("cannot read {}: {}", path, std::strerror(error));
  }
}

}  // namespace tls
