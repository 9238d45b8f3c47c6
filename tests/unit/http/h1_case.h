#pragma once

// Tables of raw messages and what the parser must make of them.

#include <string>
#include <string_view>

#include "h1_transcript.h"

namespace http_test {

// Whether `text` is `pattern`, in which each "%" stands for any text.
[[nodiscard]] bool matches(std::string_view text, std::string_view pattern);

// One line of a table: `bytes` must give a transcript that matches `expected` however they are cut.
struct Case {
  std::string what;
  std::string bytes;
  std::string expected;
};

// What a response to a request of that method is read with.
[[nodiscard]] inline TranscriptOptions answers(std::string_view method) {
  TranscriptOptions options;
  options.role = http::H1Parser::Role::response;
  options.request_method = method;
  return options;
}

// Checks a case whole, byte by byte and split in two at every position.
void check_case(const Case& one, const TranscriptOptions& options);

}  // namespace http_test
