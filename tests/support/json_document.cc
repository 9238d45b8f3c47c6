#include "support/json_document.h"

#include <limits>
#include <nlohmann/json.hpp>

namespace support {
namespace {

using Json = nlohmann::json;
using Type = JsonNode::Type;

// Builds the document as it is read.
class Builder final : public nlohmann::json_sax<Json> {
 public:
  bool null() override { return add({}) != nullptr; }
  bool boolean(bool value) override {
    return add({.type = value ? Type::truth : Type::falsehood}) != nullptr;
  }
  bool number_integer(number_integer_t value) override {
    return add({.type = Type::number, .integer = value, .is_integer = true}) != nullptr;
  }
  bool number_unsigned(number_unsigned_t value) override {
    constexpr auto most = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return add({.type = Type::number,
                .integer = static_cast<int64_t>(value > most ? most : value),
                .is_integer = true}) != nullptr;
  }
  bool number_float(number_float_t value, const string_t& text) override {
    return add({.type = Type::number, .text = text, .number = value}) != nullptr;
  }
  bool string(string_t& text) override {
    return add({.type = Type::string, .text = text}) != nullptr;
  }
  bool binary(binary_t& /*value*/) override { return false; }
  bool start_object(size_t /*size*/) override { return open(Type::object); }
  bool start_array(size_t /*size*/) override { return open(Type::array); }
  bool key(string_t& name) override {
    key_ = name;
    return true;
  }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool parse_error(size_t /*at*/,
                   const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return false;
  }

  JsonNode root;

 private:
  bool open(Type type) {
    stack_.push_back(add({.type = type}));
    return true;
  }
  bool close() {
    stack_.pop_back();
    return true;
  }
  JsonNode* add(JsonNode node) {
    if (stack_.empty()) {
      root = std::move(node);
      return &root;
    }
    JsonNode& parent = *stack_.back();
    if (parent.type == Type::array) return &parent.elements.emplace_back(std::move(node));
    return &parent.members.emplace_back(key_, std::move(node)).second;
  }

  std::string key_;
  std::vector<JsonNode*> stack_;  // a parent gets no other child while one of its children is open
};

}  // namespace

std::optional<JsonNode> parse_json(std::string_view text) {
  // nlohmann/json takes this byte for the text's end.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  Builder builder;
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) return std::nullopt;
  return std::move(builder.root);
}

int64_t count_in(const JsonNode& node, int64_t max, int64_t scale) {
  constexpr size_t text_bytes_max = 256;  // openai::JsonReader's
  if (node.is_integer) {
    if (node.integer < 0) return -1;
    return node.integer > max / scale ? max : node.integer * scale;
  }
  if (node.number < 0) return -1;
  // A negative number that is too small for a double.
  if (node.text.starts_with('-') &&
      node.text.substr(0, node.text.find_first_of("eE")).find_first_of("123456789") !=
          std::string::npos) {
    return -1;
  }
  if (node.text.size() > text_bytes_max) return node.text.starts_with('-') ? -1 : max;
  const double number = node.number * static_cast<double>(scale);
  return number < static_cast<double>(max) ? static_cast<int64_t>(number) : max;
}

}  // namespace support
