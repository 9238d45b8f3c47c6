#pragma once

// A message head: start line and fields, as views into the arena of its exchange.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "http/chars.h"
#include "http/field_id.h"

namespace http {

struct Field {
  std::string_view name;   // as it came: case kept
  std::string_view value;  // without surrounding white space
  FieldId id = FieldId::other;
};

// Value of views; their bytes belong to an Arena that outlives it. Order, case and multiplicity of
// the fields are the sender's.
struct Head {
  // Request
  std::string_view method;
  std::string_view target;  // byte for byte as received
  // Response
  uint16_t status = 0;
  std::string_view reason;

  uint8_t version_minor = 1;  // HTTP/1.x
  std::vector<Field> fields;
  std::vector<Field> trailers;  // filled when the body has ended

  // The first field of that id or name (case-insensitive); nullptr when there is none.
  [[nodiscard]] const Field* find(FieldId id) const;
  [[nodiscard]] const Field* find(std::string_view name) const;

  // Appends a field; `name` and `value` must live as long as the head.
  void add(std::string_view name, std::string_view value);
  // Removes all fields of that name, and adds one: "set" in the Fetch sense.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);

  // Empties it; keeps the vectors' capacity.
  void clear();
};

// How a body ends (RFC 9112 6.3).
struct Framing {
  enum class Kind : uint8_t {
    none,         // no body
    length,       // `length` bytes
    chunked,      // last chunk
    until_close,  // response only: the connection's end
    tunnel,       // after 101: raw bytes both ways
  };
  Kind kind = Kind::none;
  uint64_t length = 0;

  bool operator==(const Framing&) const = default;
};

// ASCII case-insensitive equality, for names and tokens. Most that are compared differ in length.
[[nodiscard]] bool are_bytes_equal_ignoring_case(const char* a, const char* b, size_t size);
[[nodiscard]] inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && are_bytes_equal_ignoring_case(a.data(), b.data(), a.size());
}

// Calls visit(std::string_view) for each non-empty element of a comma-separated list
// (RFC 9110 5.6.1), white space trimmed; stops when it returns false.
template <class Visit>
void for_each_list_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    const std::string_view element = trimmed(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    if (!element.empty() && !visit(element)) return;
  }
}

}  // namespace http
