#pragma once

// The visitor of keys.h that fills a Config from a tree. Refuses unknown and duplicate keys, wrong
// types, values their kind does not take, always with the place and the path; and goes on, so that
// all that is wrong is told at once.

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/scalars.h"
#include "config/yaml_tree.h"

namespace config {

// Resource on the stack of load_text(); borrows the tree.
class YamlReader {
 public:
  // Reads `root` into `target`, which holds the defaults, by its describe(). Once.
  template <class T>
  void read(const Node& root, T& target) {
    attempt([&] { read_section(root, "", target); });
  }

  // `why` about the key at `path`, or about the nearest section above it in the text; nothing where
  // that key was refused already.
  void refuse(const std::string& path, std::string why);
  // Whether that key's value was: it stands at its default then.
  [[nodiscard]] bool has_refused(const std::string& path) const;
  // All that was refused, in the order of the text.
  [[nodiscard]] std::vector<Refusal> take_refusals();

  // The visitor's functions, see keys.h.
  template <class T, class Kind>
  void field(std::string_view name, T& value, const Kind& kind) {
    const Node* node = take(name);
    if (node != nullptr) attempt([&] { value = scalar<T>(*node, path_of(name), kind); });
  }
  template <class T, class Kind>
  void field_if_set(std::string_view name, T& value, const Kind& kind) {
    field(name, value, kind);
  }
  template <class T, class Kind>
  void list(std::string_view name, std::vector<T>& values, const Kind& kind) {
    const Node* node = take(name);
    if (node == nullptr) return;
    attempt([&] {
      if (node->kind != Node::Kind::list) refuse_node(*node, path_of(name), "a list");
      values = scalars<T>(*node, path_of(name), kind);
    });
  }
  template <class T, class Kind>
  void list_if_set(std::string_view name, std::vector<T>& values, const Kind& kind) {
    list(name, values, kind);
  }
  template <class T, class Kind>
  void list_or_word(std::string_view name,
                    std::string_view word,
                    std::optional<std::vector<T>>& values,
                    const Kind& kind) {
    const Node* node = take(name);
    if (node == nullptr) return;
    attempt([&] {
      if (node->kind == Node::Kind::list) {
        values = scalars<T>(*node, path_of(name), kind);
      } else if (node->kind == Node::Kind::scalar && expanded(*node, path_of(name)) == word) {
        values.reset();
      } else {
        refuse_node(*node, path_of(name), std::string(word) + " or a list");
      }
    });
  }
  template <class T>
  void section(std::string_view name, T& value) {
    const Node* node = take(name);
    if (node != nullptr) attempt([&] { read_section(*node, path_of(name), value); });
  }
  template <class T>
  void section_if_set(std::string_view name, std::optional<T>& value) {
    const Node* node = take(name);
    if (node != nullptr) attempt([&] { read_section(*node, path_of(name), value.emplace()); });
  }
  template <class T>
  void sections_if_set(std::string_view name, std::vector<T>& values) {
    sections(name, values);
  }
  template <class T>
  void sections(std::string_view name, std::vector<T>& values) {
    const Node* node = take(name);
    if (node == nullptr) return;
    const std::string path = path_of(name);
    attempt([&] {
      refuse_unless_filled_list(*node, path);
      values.clear();
      for (size_t i = 0; i < node->values.size(); ++i) {
        T& value = values.emplace_back();
        attempt([&] { read_section(node->values[i], item_path(path, i), value); });
      }
    });
  }
  template <class T, class NameKind>
  void named_sections(std::string_view name,
                      std::map<std::string, T>& values,
                      const T& first,
                      const NameKind& /*kind*/) {
    const Node* node = take(name);
    if (node == nullptr) return;
    const std::string path = path_of(name);
    attempt([&] {
      open(*node, path, {NameKind::parse, NameKind::expected});
      for (const auto& key : node->keys) {
        // Refused already.
        if (!NameKind::parse(key.text)) continue;
        const Node& value = *take(key.text);
        T& section = values.try_emplace(key.text, first).first->second;
        attempt([&] { read_section(value, path_of(key.text), section); });
      }
      close();
    });
  }
  template <class T, class Kind>
  void items(std::string_view name, std::vector<T>& values, const Kind& kind) {
    const Node* node = take(name);
    if (node == nullptr) return;
    const std::string path = path_of(name);
    attempt([&] {
      if (node->kind == Node::Kind::map) {
        // One, without the dash of a list.
        values.resize(1);
        read_section(*node, path, values.front());
        return;
      }
      if (node->kind == Node::Kind::scalar) {
        values = {scalar<T>(*node, path, kind)};
        return;
      }
      refuse_unless_filled_list(*node, path);
      values.clear();
      for (size_t i = 0; i < node->values.size(); ++i) {
        item(node->values[i], item_path(path, i), values.emplace_back(), kind);
      }
    });
  }
  template <class T, class Kind>
  void items_if_set(std::string_view name, std::vector<T>& values, const Kind& kind) {
    items(name, values, kind);
  }

 private:
  // A map being read. `asked` grows by each take(): at the end it is the list of known keys.
  struct Open {
    const Node* map;
    std::string path;
    std::vector<std::string_view> asked;
  };

  // What `read` throws is kept, and reading goes on behind it.
  template <class Read>
  void attempt(const Read& read) {
    const size_t depth = open_.size();
    try {
      read();
    } catch (Refusal& refusal) {
      open_.erase(open_.begin() + static_cast<ptrdiff_t>(depth), open_.end());
      keep(std::move(refusal));
    }
  }
  template <class T, class Kind>
  void item(const Node& node, const std::string& path, T& value, const Kind& kind) {
    attempt([&] {
      if (node.kind == Node::Kind::map) {
        read_section(node, path, value);
      } else {
        value = scalar<T>(node, path, kind);
      }
    });
  }

  template <class T>
  void read_section(const Node& node, const std::string& path, T& value) {
    open(node, path);
    describe(*this, value);
    close();
  }
  template <class T, class Kind>
  T scalar(const Node& node, const std::string& path, const Kind& kind) {
    if (node.kind != Node::Kind::scalar) refuse_node(node, path, kind.expected());
    const std::string text = expanded(node, path);
    auto value = parse(kind, text, node.text);
    if constexpr (requires { kind.advice(text); }) {
      if (value) advise(path, node.text, kind.advice(text));
    }
    if (value) return *std::move(value);
    std::string shown;
    if constexpr (requires { kind.shown(node.text); }) {
      shown = kind.shown(node.text);
    } else {
      shown = quoted(node.text);
    }
    std::string_view hint;
    if constexpr (requires { kind.hint(text); }) hint = kind.hint(text);
    refuse_scalar(node, path, kind.expected(), shown, hint);
  }
  // Some kinds keep how the file says it: `written`, before variables are filled in.
  template <class Kind>
  static auto parse(const Kind& kind, std::string_view text, std::string_view written) {
    if constexpr (requires { kind.parse(text, written); }) {
      return kind.parse(text, written);
    } else {
      return kind.parse(text);
    }
  }
  template <class T, class Kind>
  std::vector<T> scalars(const Node& list, const std::string& path, const Kind& kind) {
    std::vector<T> values;
    for (size_t i = 0; i < list.values.size(); ++i) {
      values.push_back(scalar<T>(list.values[i], item_path(path, i), kind));
    }
    return values;
  }

  void keep(Refusal refusal);

  // What may be a key of a map.
  struct KeyKind {
    std::optional<std::string> (*parse)(std::string_view text);
    std::string (*expected)();
  };
  // Enters a map; a section with nothing in it (null) is an empty one. Refuses what cannot be keys.
  void open(const Node& node,
            const std::string& path,
            const KeyKind& kind = {Name::parse, Name::expected});
  // Leaves it, refusing what nobody asked for.
  void close();
  // The value of a key of the open map, null where it is not there.
  const Node* take(std::string_view name);

  [[nodiscard]] std::string path_of(std::string_view name) const;
  [[nodiscard]] static std::string item_path(const std::string& path, size_t index);
  [[nodiscard]] static std::string quoted(std::string_view text);
  [[nodiscard]] std::string expanded(const Node& node, const std::string& path);

  // Logs it, where there is any.
  static void advise(const std::string& path, std::string_view text, std::string_view advice);
  void refuse_unless_filled_list(const Node& node, const std::string& path);
  [[noreturn]] static void refuse_node(const Node& node,
                                       const std::string& path,
                                       const std::string& expected);
  [[noreturn]] static void refuse_scalar(const Node& node,
                                         const std::string& path,
                                         const std::string& expected,
                                         const std::string& shown,
                                         std::string_view hint);

  std::vector<Refusal> refusals_;
  std::vector<Open> open_;
  std::map<std::string, Place> places_;  // of every path met, for refuse()
};

}  // namespace config
