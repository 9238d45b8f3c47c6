#include "bench/base/json.h"

#include <nlohmann/json.hpp>

namespace bench {
namespace {

using nlohmann::ordered_json;

// "[json.exception.parse_error.101] parse error at line 3, column 5: …"
std::string without_place_in_code(std::string_view what) {
  for (const std::string_view front : {"] ", "parse error at "}) {
    const size_t at = what.find(front);
    if (at != std::string_view::npos) what.remove_prefix(at + front.size());
  }
  return std::string(what);
}

}  // namespace

Json::Json(ordered_json value) : value_(std::make_shared<ordered_json>(std::move(value))) {}

Json Json::part(const ordered_json& value) const {
  return Json(std::shared_ptr<const ordered_json>(value_, &value));
}

std::optional<bool> Json::as_bool() const {
  if (!value_ || !value_->is_boolean()) return std::nullopt;
  return value_->get<bool>();
}

std::optional<double> Json::as_number() const {
  if (!value_ || !value_->is_number()) return std::nullopt;
  return value_->get<double>();
}

bool Json::is_object() const {
  return value_ && value_->is_object();
}

Json Json::operator[](std::string_view key) const {
  if (!is_object()) return {};
  const auto found = value_->find(std::string(key));
  return found == value_->end() ? Json() : part(*found);
}

bool Json::has(std::string_view key) const {
  return is_object() && value_->contains(std::string(key));
}

Json::List Json::list() const {
  List list;
  if (!value_ || !value_->is_array()) return list;
  for (const ordered_json& each : *value_)
    list.push_back(part(each));
  return list;
}

Json::Members Json::members() const {
  Members members;
  if (!is_object()) return members;
  for (const auto& [key, value] : value_->items())
    members.emplace_back(key, part(value));
  return members;
}

double Json::number(double fallback) const {
  return as_number().value_or(fallback);
}

std::string Json::text(std::string_view fallback) const {
  if (!value_ || !value_->is_string()) return std::string(fallback);
  return value_->get<std::string>();
}

base::Result<Json, std::string> parse_json(std::string_view text) {
  try {
    return Json(ordered_json::parse(text));
  } catch (const ordered_json::exception& error) {
    return without_place_in_code(error.what());
  }
}

std::string json_line(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

std::string json_lines(const ordered_json& object) {
  std::string text = "{";
  for (const auto& [key, value] : object.items())
    text += (text.size() > 1 ? ",\n  " : "\n  ") + json_line(key) + ": " + json_line(value);
  return text + "\n}\n";
}

}  // namespace bench
