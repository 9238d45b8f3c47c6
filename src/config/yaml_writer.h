#pragma once

// The visitor of keys.h that writes a Config as YAML: what YamlReader reads back to the same.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/expand.h"

namespace config {

// Value on the stack of to_yaml().
class YamlWriter {
 public:
  template <class T, class Kind>
  void field(std::string_view name, T& value, const Kind& kind) {
    if constexpr (requires { Kind::prints_variables; }) {
      line(name, quoted(kind.print(value)));
    } else {
      line(name, quoted(escape_expansion(kind.print(value))));
    }
  }
  template <class T, class Kind>
  void field_if_set(std::string_view name, T& value, const Kind& kind) {
    if (value != T{}) field(name, value, kind);
  }
  template <class T, class Kind>
  void field_if_set(std::string_view name, std::optional<T>& value, const Kind& kind) {
    if (value) field(name, *value, kind);
  }
  template <class T, class Kind>
  void list(std::string_view name, std::vector<T>& values, const Kind& kind) {
    std::string items;
    for (const auto& value : values) {
      if (!items.empty()) items += ", ";
      items += quoted(escape_expansion(kind.print(value)));
    }
    line(name, "[" + items + "]");
  }
  template <class T, class Kind>
  void list_if_set(std::string_view name, std::vector<T>& values, const Kind& kind) {
    if (!values.empty()) list(name, values, kind);
  }
  template <class T, class Kind>
  void list_or_word(std::string_view name,
                    std::string_view word,
                    std::optional<std::vector<T>>& values,
                    const Kind& kind) {
    if (values) {
      list(name, *values, kind);
    } else {
      line(name, word);
    }
  }
  template <class T>
  void section(std::string_view name, T& value) {
    line(name, {});
    ++depth_;
    describe(*this, value);
    --depth_;
  }
  template <class T>
  void sections(std::string_view name, std::vector<T>& values) {
    line(name, {});
    depth_ += 2;
    for (auto& value : values) {
      item_begins_ = true;
      describe(*this, value);
    }
    depth_ -= 2;
  }
  template <class T>
  void section_if_set(std::string_view name, std::optional<T>& value) {
    if (value) section(name, *value);
  }
  template <class T>
  void sections_if_set(std::string_view name, std::vector<T>& values) {
    if (!values.empty()) sections(name, values);
  }
  template <class T, class NameKind>
  void named_sections(std::string_view name,
                      std::map<std::string, T>& values,
                      const T& /*first*/,
                      const NameKind& /*kind*/) {
    if (values.empty()) return;
    line(name, {});
    ++depth_;
    for (auto& [key, value] : values)
      section(quoted(key), value);
    --depth_;
  }
  template <class T, class Kind>
  void items(std::string_view name, std::vector<T>& values, const Kind& /*kind*/) {
    sections(name, values);
  }
  template <class T, class Kind>
  void items_if_set(std::string_view name, std::vector<T>& values, const Kind& /*kind*/) {
    if (!values.empty()) sections(name, values);
  }

  [[nodiscard]] std::string take_text() { return std::move(text_); }

 private:
  // "name: value" at the present depth, with the item's dash where one begins.
  void line(std::string_view name, std::string_view value);
  // As a YAML scalar: plain where nobody could read it as something else.
  [[nodiscard]] static std::string quoted(std::string_view text);

  std::string text_;
  size_t depth_ = 0;
  bool item_begins_ = false;
};

}  // namespace config
