#pragma once

// The common case of a head's fields, many bytes at a time. Whatever is not plain is left to
// llhttp.

#include <cstddef>
#include <string_view>
#include <vector>

#include "http/head.h"

namespace http {

// Appends the fields of `lines` (each "name: value CRLF", RFC 9112 5; the empty line is not part of
// it) to `fields` as views, values trimmed. False, with `fields` as it was, where there are more
// than `fields_max`, or where any byte is not as a strict sender would put it: then llhttp has to
// judge, and finds the reason to refuse it.
[[nodiscard]] bool split_plain_fields(std::string_view lines,
                                      size_t fields_max,
                                      std::vector<Field>& fields);

// `text` without the white space at its end.
[[nodiscard]] std::string_view without_trailing_space(std::string_view text);

}  // namespace http
