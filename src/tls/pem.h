#pragma once

// PEM files as people have them: what is harmless in one is mended, what is not is named.

#include <cstdint>
#include <string>
#include <string_view>

namespace tls {

// What a file is to hold.
enum class PemKind : uint8_t { certificate, key };

// `text` without a byte order mark, with line ends as Unix has them and no blanks before them:
// OpenSSL takes all that, mbedTLS does not.
[[nodiscard]] std::string tidy_pem(std::string_view text);

// Why `text`, tidied, cannot be what it is given for, and what to do: a predicate such as "is
// empty"; empty where it may be. Never cites it.
[[nodiscard]] std::string pem_trouble(std::string_view text, PemKind kind);

// What an error of mbedTLS's on reading a certificate or a key says of it, as such a predicate.
[[nodiscard]] std::string unreadable_text(int code);

// Why a file cannot be read, as a sentence: an errno of base::read_file's.
[[nodiscard]] std::string unreadable_file_text(const std::string& path, int error);

}  // namespace tls
