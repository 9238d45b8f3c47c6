#pragma once

// Heads and chunk framing to bytes. What we send is framed by us alone, whatever the other side's
// framing was.

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/head.h"

namespace http {

// What our own Connection field says.
enum class ConnectionOption : uint8_t { none, keep_alive, close, upgrade, close_and_upgrade };

// The head as HTTP/1.1 bytes in `arena`, blank line included. Connection, Content-Length and
// Transfer-Encoding are written from the arguments; the head must hold none of them. A Framing of
// `none` writes no framing field, but for requests whose method anticipates a body (POST, PUT,
// PATCH): Content-Length: 0 (RFC 9110 8.6).
[[nodiscard]] base::Bytes write_request_head(const Head& head,
                                             Framing framing,
                                             ConnectionOption connection,
                                             base::Arena& arena);

// The same for a response, with the head's reason phrase or else the standard one. `none` writes no
// framing field (HEAD, 1xx, 204, 304); to pass on what the upstream's Content-Length was for a HEAD
// or 304, remove the field and give Kind::length with H1Parser::content_length(), then write no
// body.
[[nodiscard]] base::Bytes write_response_head(const Head& head,
                                              Framing framing,
                                              ConnectionOption connection,
                                              base::Arena& arena);

// "<size in hex>CRLF" for a chunk (RFC 9112 7.1); the view is into `buffer`.
using ChunkPrefix = std::array<char, 18>;
[[nodiscard]] base::Bytes write_chunk_prefix(ChunkPrefix& buffer, uint64_t size);

// The last chunk with its trailer section: "0CRLF fields CRLF".
[[nodiscard]] base::Bytes write_last_chunk(const std::vector<Field>& trailers, base::Arena& arena);

// The standard reason phrase (RFC 9110 15), "" for an unknown status. Static text.
[[nodiscard]] std::string_view reason_phrase(uint16_t status);

}  // namespace http
