#pragma once

// JSON (RFC 8259): a strict reader for the files that pages are made of, a writer for reports.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"

namespace bench {

// Value. One JSON value; whoever asks it for what it is not gets nothing.
class Json {
 public:
  using List = std::vector<Json>;
  using Members = std::vector<std::pair<std::string, Json>>;  // in the order of the text

  Json() = default;  // null
  explicit Json(bool value) : value_(value) {}
  explicit Json(double value) : value_(value) {}
  explicit Json(std::string value) : value_(std::move(value)) {}
  explicit Json(List value) : value_(std::move(value)) {}
  explicit Json(Members value) : value_(std::move(value)) {}

  [[nodiscard]] const bool* as_bool() const { return std::get_if<bool>(&value_); }
  [[nodiscard]] const double* as_number() const { return std::get_if<double>(&value_); }
  [[nodiscard]] const std::string* as_text() const { return std::get_if<std::string>(&value_); }
  [[nodiscard]] bool is_object() const { return std::holds_alternative<Members>(value_); }

  // The member `key` of an object, the last where it stands twice; a null where there is none.
  // Lives as long as *this (or for ever).
  [[nodiscard]] const Json& operator[](std::string_view key) const;
  [[nodiscard]] bool has(std::string_view key) const;
  // All of a list or an object; empty for anything else.
  [[nodiscard]] const List& list() const;
  [[nodiscard]] const Members& members() const;
  // The number or text itself, else the fallback.
  [[nodiscard]] double number(double fallback = 0) const;
  [[nodiscard]] std::string text(std::string_view fallback = {}) const;

 private:
  std::variant<std::monostate, bool, double, std::string, List, Members> value_;
};

// Reads one JSON text, nothing behind it. The error says where and what: "line 3: …".
[[nodiscard]] base::Result<Json, std::string> parse_json(std::string_view text);

// Writes one JSON text, indented by two blanks where it says so. The caller opens and closes in
// order; no call checks that.
class JsonWriter {
 public:
  enum class Layout : uint8_t { lines, one_line };

  void open_object(Layout layout = Layout::lines) { open('{', layout); }
  void close_object() { close('}'); }
  void open_list(Layout layout = Layout::lines) { open('[', layout); }
  void close_list() { close(']'); }
  void key(std::string_view name);

  void value(std::string_view text);
  void value(const char* text) { value(std::string_view(text)); }
  void value(bool value);
  void value(uint64_t value);
  void value(uint32_t value) { this->value(uint64_t{value}); }
  void value(double value);  // null where JSON has no such number

  template <class T>
  void member(std::string_view name, const T& its_value) {
    key(name);
    value(its_value);
  }

  [[nodiscard]] std::string take() { return std::move(text_); }

 private:
  void open(char bracket, Layout layout);
  void close(char bracket);
  void before_item();
  void put(std::string_view text);

  struct Level {
    Layout layout;
    bool is_empty;
  };
  std::string text_;
  std::vector<Level> levels_;
  bool after_key_ = false;
};

}  // namespace bench
