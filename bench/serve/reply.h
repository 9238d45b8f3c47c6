#pragma once

// The texts of responses: heads, JSON bodies, errors. Pure: no sockets, no clock.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "bench/serve/serve.h"

namespace bench::serve {

enum class Api : uint8_t { chat, responses, completions, embeddings };

// Value. What all parts of one reply say alike.
struct Reply {
  Api api = Api::chat;
  bool base64 = false;        // of embeddings
  std::array<char, 32> id{};  // hex digits
  std::string model;
  uint64_t created_s = 0;
  uint64_t prompt_tokens = 0;

  [[nodiscard]] std::string_view id_text() const { return {id.data(), id.size()}; }
};

// Value. A body that repeats a block: `block` from its begin, over and over for `block_bytes`, then
// `end`. Views of static text.
struct BlockBody {
  std::string_view block;
  uint64_t block_bytes = 0;
  std::string_view end;
};

// A JSON reply of `size` bytes, or as many more as its shape takes: appends its front to `out`, the
// rest is returned.
[[nodiscard]] BlockBody append_reply(std::string& out, const Reply& reply, uint64_t size);

// "prompt_tokens":…,"completion_tokens":…,"total_tokens":…, by the names of that API.
void append_usage(std::string& out, const Reply& reply, uint64_t tokens);

// The API's error object; `param` and `code` are null where empty. Texts are escaped.
struct ErrorText {
  std::string_view message;
  std::string_view type = "invalid_request_error";
  std::string_view param = {};
  std::string_view code = {};
};
void append_error(std::string& out, const ErrorText& error);

// The bodies of GET /v1/models and GET /bench/counts.
void append_models(std::string& out, uint64_t created_s);
void append_counts(std::string& out, const Counts& counts);

// Value.
struct ResponseHead {
  enum class Ending : uint8_t { length, chunked, close };

  uint16_t status = 200;
  std::string_view type = "application/json";
  std::string_view fields = {};  // more of them, each with its CRLF
  Ending ending = Ending::length;
  uint64_t length = 0;
  std::string_view connection = {};  // "close"; empty: no such field
  std::string_view date = {};        // as the field has it
  std::array<uint64_t, 2> request_id{};
  uint64_t processing_ms = 0;
};
void append_head(std::string& out, const ResponseHead& head);

// Cheaper than fmt::format_to.
void append_number(std::string& out, uint64_t number);
void append_hex(std::string& out, uint64_t number);
[[nodiscard]] std::array<char, 16> hex_of(uint64_t number);

}  // namespace bench::serve
