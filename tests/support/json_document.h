#pragma once

// A JSON document as nlohmann/json reads it, with its members in the order and as often as they
// were written: what our own readers, which keep nothing, are checked against.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace support {

struct JsonNode {
  enum class Type : uint8_t { null, truth, falsehood, number, string, array, object };

  Type type = Type::null;
  std::string text = {};  // of a string, or of a number that is no integer, as written
  double number = 0;      // of a number that is no integer
  int64_t integer = 0;    // of one that is
  bool is_integer = false;
  std::vector<std::pair<std::string, JsonNode>> members = {};
  std::vector<JsonNode> elements = {};

  [[nodiscard]] bool is(Type other) const { return type == other; }
};

// Absent where nlohmann/json does not take it.
std::optional<JsonNode> parse_json(std::string_view text);

// What openai::count_of() is to make of a number.
int64_t count_in(const JsonNode& node, int64_t max, int64_t scale = 1);

}  // namespace support
