#pragma once

// What the pipeline says of a request.

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "http/head.h"
#include "openai/api_error.h"

namespace policy {

// Value.
struct Verdict {
  enum class Kind : uint8_t {
    proceed,     // it goes up
    answer,      // the proxy answers it
    needs_body,  // ask again when `body_bytes` of the body are here, or all of it
    wait,        // ask again in `wait_ms`, or when woken
  };
  // What an operator hears of it, beside the log line that each request has.
  enum class Notice : uint8_t { none, loop, memory };

  Kind kind = Kind::proceed;
  Notice notice = Notice::none;
  // The answer; nothing: it is in the response head already, without a body.
  std::optional<openai::ApiError> error = {};
  std::string_view page = {};  // JSON instead of an error; lives as long as the request
  std::span<const http::Field> fields = {};  // of the error's response; live as long as the request
  uint64_t body_bytes = 0;
  uint64_t wait_ms = 0;

  [[nodiscard]] static Verdict refuse(const openai::ApiError& error,
                                      std::span<const http::Field> fields = {}) {
    return {.kind = Kind::answer, .error = error, .fields = fields};
  }
};

}  // namespace policy
