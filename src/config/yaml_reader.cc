// What of the reader does not depend on the types read: places, paths, and words for refusals.
#include "config/yaml_reader.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/log.h"
#include "base/nearest_word.h"
#include "config/expand.h"
#include "config/scalars.h"
#include "config/yaml_hints.h"

namespace config {
namespace {

constexpr size_t keys_max = 1000;  // of one section: the walks over them are quadratic

std::string joined(const std::vector<std::string_view>& words) {
  std::string text;
  for (const auto word : words) {
    if (!text.empty()) text += ", ";
    text += word;
  }
  return text;
}

std::string_view name_of(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a section";
  }
  return "";
}

}  // namespace

bool YamlReader::has_refused(const std::string& path) const {
  return std::any_of(
      refusals_.begin(), refusals_.end(), [&](const auto& each) { return each.path == path; });
}

void YamlReader::keep(Refusal refusal) {
  if (refusal.path.empty() || !has_refused(refusal.path)) refusals_.push_back(std::move(refusal));
}

std::vector<Refusal> YamlReader::take_refusals() {
  std::stable_sort(refusals_.begin(), refusals_.end(), [](const auto& a, const auto& b) {
    return std::pair(a.place.line, a.place.column) < std::pair(b.place.line, b.place.column);
  });
  return std::move(refusals_);
}

void YamlReader::refuse(const std::string& path, std::string why) {
  std::string known = path;
  while (!known.empty() && !places_.contains(known)) {
    const size_t cut = known.find_last_of(".[");
    known.resize(cut == std::string::npos ? 0 : cut);
  }
  // What is only a default has no place.
  keep({known.empty() ? Place{} : places_.at(known), path, std::move(why)});
}

void YamlReader::open(const Node& node, const std::string& path, const KeyKind& kind) {
  if (node.kind != Node::Kind::map && node.kind != Node::Kind::null) {
    refuse_node(node, path, path.empty() ? "keys and values" : "a section (keys and values)");
  }
  places_[path] = node.place;
  open_.push_back({&node, path, {}});
  if (node.keys.size() > keys_max) {
    throw Refusal{node.place, path, fmt::format("holds more than {} keys", keys_max)};
  }
  std::map<std::string_view, int> lines;
  for (const auto& key : node.keys) {
    if (!kind.parse(key.text)) {
      const bool merges = key.text == "<<";
      keep({key.place,
            path_of(quoted(key.text)),
            merges ? "merge keys are not supported: write out what they would add"
                   : fmt::format("expected as a key {}, found {}{}",
                                 kind.expected(),
                                 quoted(key.text),
                                 hint_for_value(key.text))});
      continue;
    }
    const auto [first, added] = lines.emplace(key.text, key.place.line);
    if (added) continue;
    keep({key.place,
          path_of(key.text),
          fmt::format("stands twice, first on line {}", first->second)});
  }
}

void YamlReader::close() {
  const Open& section = open_.back();
  for (const auto& key : section.map->keys) {
    const auto& known = section.asked;
    const bool is_known = std::find(known.begin(), known.end(), key.text) != known.end();
    if (is_known || !Name::parse(key.text)) continue;
    const auto nearest = base::nearest_word(key.text, known);
    std::string why = nearest.empty() ? "unknown key; known here: " + joined(known)
                                      : fmt::format("unknown key; did you mean \"{}\"?", nearest);
    keep({key.place, path_of(key.text), std::move(why)});
  }
  open_.pop_back();
}

const Node* YamlReader::take(std::string_view name) {
  Open& section = open_.back();
  section.asked.push_back(name);
  const auto& keys = section.map->keys;
  const auto key =
      std::find_if(keys.begin(), keys.end(), [&](const auto& each) { return each.text == name; });
  if (key == keys.end()) return nullptr;
  const Node& node = section.map->values[static_cast<size_t>(key - keys.begin())];
  places_[path_of(name)] = node.place;
  return &node;
}

std::string YamlReader::path_of(std::string_view name) const {
  const std::string& path = open_.back().path;
  return path.empty() ? std::string(name) : fmt::format("{}.{}", path, name);
}

std::string YamlReader::item_path(const std::string& path, size_t index) {
  return fmt::format("{}[{}]", path, index);
}

std::string YamlReader::quoted(std::string_view text) {
  constexpr size_t shown_bytes_max = 80;
  size_t end = std::min(text.size(), shown_bytes_max);
  if (end < text.size()) {  // not within a character
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80)
      --end;
  }
  std::string output = "\"";
  for (const char c : text.substr(0, end)) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      output += fmt::format("\\x{:02x}", c);
    } else {
      output += c;
    }
  }
  return output + (end < text.size() ? "…\"" : "\"");
}

std::string YamlReader::expanded(const Node& node, const std::string& path) {
  auto text = expand(node.text);
  if (!text) throw Refusal{node.place, path, text.error().why};
  if (!is_utf8(*text)) {
    throw Refusal{node.place, path, "is not UTF-8 text with its variables filled in"};
  }
  return *std::move(text);
}

void YamlReader::advise(const std::string& path, std::string_view text, std::string_view advice) {
  if (!advice.empty()) base::log_warning("{}: {}: {}", path, quoted(text), advice);
}

void YamlReader::refuse_unless_filled_list(const Node& node, const std::string& path) {
  if (node.kind != Node::Kind::list || node.values.empty()) {
    refuse_node(node, path, "a list with at least one item");
  }
}

void YamlReader::refuse_node(const Node& node,
                             const std::string& path,
                             const std::string& expected) {
  const bool empty = node.kind == Node::Kind::list && node.values.empty();
  throw Refusal{node.place,
                path,
                fmt::format("expected {}, found {}{}",
                            expected,
                            empty ? "an empty list" : name_of(node.kind),
                            node.kind == Node::Kind::scalar ? hint_for_value(node.text) : "")};
}

void YamlReader::refuse_scalar(const Node& node,
                               const std::string& path,
                               const std::string& expected,
                               const std::string& shown,
                               std::string_view hint) {
  // The text as it stands in the file: a variable's value may be a secret.
  const bool has_variable = node.text.find("${") != std::string::npos;
  throw Refusal{node.place,
                path,
                fmt::format("expected {}, found {}{}{}{}{}",
                            expected,
                            shown,
                            has_variable ? " with its variables filled in" : "",
                            hint.empty() ? "" : ": ",
                            hint,
                            hint_for_value(node.text))};
}

}  // namespace config
