#pragma once

// JSON for reports and pages: nlohmann's, read as files that anybody may have written must be.

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace bench {

// Value, shares the text it was read from. One JSON value; whoever asks it for what it is not gets
// nothing.
class Json {
 public:
  using List = std::vector<Json>;
  using Members = std::vector<std::pair<std::string, Json>>;  // in the order of the text

  Json() = default;  // null
  explicit Json(nlohmann::ordered_json value);

  [[nodiscard]] std::optional<bool> as_bool() const;
  [[nodiscard]] std::optional<double> as_number() const;
  [[nodiscard]] bool is_object() const;

  // The member `key` of an object, the last where it stands twice; a null where there is none.
  [[nodiscard]] Json operator[](std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;
  // All of a list or an object; empty for anything else.
  [[nodiscard]] List list() const;
  [[nodiscard]] Members members() const;
  // The number or text itself, else the fallback.
  [[nodiscard]] double number(double fallback = 0) const;
  [[nodiscard]] std::string text(std::string_view fallback = {}) const;

 private:
  // Owns the whole, points to a part; null for what is not there.
  explicit Json(std::shared_ptr<const nlohmann::ordered_json> value) : value_(std::move(value)) {}
  [[nodiscard]] Json part(const nlohmann::ordered_json& value) const;

  std::shared_ptr<const nlohmann::ordered_json> value_;
};

// Reads one JSON text, nothing behind it. The error says where and what: "line 3, column 5: …".
[[nodiscard]] base::Result<Json, std::string> parse_json(std::string_view text);

// One line of JSON. Bytes that are no UTF-8 become U+FFFD, numbers that JSON has not are null.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& value);
// An object's members on a line each, with a newline at its end.
[[nodiscard]] std::string json_lines(const nlohmann::ordered_json& object);

}  // namespace bench
