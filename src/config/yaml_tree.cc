// From yaml-cpp's events to our tree. Not from its nodes: these hide duplicate keys and have no
// bound on what aliases make of a small text.
#include "config/yaml_tree.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include "config/yaml_hints.h"

namespace config {
namespace {

// An honest file of yaml_bytes_max stays far below; aliases of aliases do not.
constexpr size_t weight_max = 8 * yaml_bytes_max;
constexpr size_t weight_of_node = sizeof(Node);

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

Place place_at(std::string_view text, size_t offset) {
  Place place{1, 1};
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      place = {place.line + 1, 1};
    } else {
      ++place.column;
    }
  }
  return place;
}

// The length of the UTF-8 sequence at the front of `text` (RFC 3629), 0 where there is none.
size_t utf8_sequence(std::string_view text) {
  const auto byte = [&](size_t i) {
    return static_cast<unsigned char>(text[i]);
  };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return 0;
  }
  const unsigned second = byte(1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool beyond = lead == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

std::optional<Refusal> refuse_bytes(std::string_view text) {
  if (text.size() > yaml_bytes_max) {
    return Refusal{{}, {}, fmt::format("is larger than {} bytes", yaml_bytes_max)};
  }
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool control =
        (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r') || byte == 0x7f;
    const size_t length = utf8_sequence(text.substr(i));
    if (control || length == 0) {
      return Refusal{
          place_at(text, i),
          {},
          fmt::format(
              "is not UTF-8 text: it holds the byte 0x{:02x}{}", byte, hint_for_encoding(text))};
    }
    i += length;
  }
  return std::nullopt;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      throw Refusal{
          place_of(mark), {}, "holds a second YAML document: take out the --- that begins it"};
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    add_leaf(make(Node::Kind::null, mark), anchor);
  }
  void OnScalar(const YAML::Mark& mark,
                const std::string& tag,
                YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_tag(mark, tag);
    Node node = make(Node::Kind::scalar, mark);
    node.text = value;
    add_leaf(std::move(node), anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      throw Refusal{place_of(mark), {}, "an alias stands inside its own anchor"};
    }
    check_bounds(place_of(mark), found->second.weight, found->second.height);
    Node copy = found->second;
    copy.place = place_of(mark);
    add(std::move(copy), 0);
  }

  void OnSequenceStart(const YAML::Mark& mark,
                       const std::string& tag,
                       YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnMapStart(const YAML::Mark& mark,
                  const std::string& tag,
                  YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapEnd() override { close(); }

  [[nodiscard]] Node take_root() { return std::move(root_); }

 private:
  struct Open {
    Node node;
    YAML::anchor_t anchor = 0;
  };

  static Node make(Node::Kind kind, const YAML::Mark& mark) {
    Node node;
    node.kind = kind;
    node.place = place_of(mark);
    return node;
  }

  static void refuse_tag(const YAML::Mark& mark, const std::string& tag) {
    // "?" and "!" are what yaml-cpp says for plain and for quoted.
    if (tag.empty() || tag == "?" || tag == "!") return;
    throw Refusal{place_of(mark), {}, "YAML tags are not supported here"};
  }

  void check_bounds(Place place, size_t weight, int height) {
    if (static_cast<int>(open_.size()) + height > yaml_depth_max) {
      throw Refusal{place, {}, fmt::format("is nested deeper than {} levels", yaml_depth_max)};
    }
    weight_ += weight;
    if (weight_ > weight_max) throw Refusal{place, {}, "grows too large by what it repeats"};
  }

  void open(const YAML::Mark& mark,
            const std::string& tag,
            YAML::anchor_t anchor,
            Node::Kind kind) {
    refuse_tag(mark, tag);
    Node node = make(kind, mark);
    node.weight = weight_of_node;
    check_bounds(node.place, node.weight, 1);
    open_.push_back({std::move(node), anchor});
  }

  void close() {
    Open top = std::move(open_.back());
    open_.pop_back();
    add(std::move(top.node), top.anchor);
  }

  void add_leaf(Node node, YAML::anchor_t anchor) {
    node.weight = weight_of_node + node.text.size();
    check_bounds(node.place, node.weight, 0);
    add(std::move(node), anchor);
  }

  // `node` is complete and counted.
  void add(Node node, YAML::anchor_t anchor) {
    if (anchor != 0) {
      check_bounds(node.place, node.weight, 0);  // the copy kept for its aliases
      anchors_.insert_or_assign(anchor, node);
    }
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Node& parent = open_.back().node;
    parent.weight += node.weight;
    if (parent.kind == Node::Kind::map && parent.keys.size() == parent.values.size()) {
      if (node.kind != Node::Kind::scalar) {
        throw Refusal{node.place,
                      {},
                      "a key must be a plain word; within { } put quotes around a variable: "
                      "\"${NAME}\""};
      }
      parent.keys.push_back({std::move(node.text), node.place});
      return;
    }
    parent.height = std::max(parent.height, node.height + 1);
    parent.values.push_back(std::move(node));
  }

  Node root_;
  std::vector<Open> open_;
  std::map<YAML::anchor_t, Node> anchors_;
  size_t weight_ = 0;
  int documents_ = 0;
};

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const size_t length = utf8_sequence(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

base::Result<Node, Refusal> parse_yaml(std::string_view text) {
  if (auto refusal = refuse_bytes(text)) return *refusal;
  TreeBuilder builder;
  std::optional<Refusal> refusal;
  try {
    // The end is written out: yaml-cpp takes a quote that is never closed for closed at a file's
    // end, but not at a document's.
    std::istringstream input{std::string(text) + "\n...\n"};
    YAML::Parser parser(input);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refusal& thrown) {
    refusal = thrown;
  } catch (const YAML::Exception& error) {
    const Place place = place_of(error.mark);
    refusal =
        Refusal{place, {}, "is not valid YAML: " + error.msg + hint_for_line(text, place.line)};
  }
  if (!refusal) return builder.take_root();
  const Place end = place_at(text, text.size());
  if (refusal->place.line > end.line) {
    return Refusal{
        end,
        {},
        "is not valid YAML: a bracket or a quote is never closed" + hint_for_line(text, end.line)};
  }
  return *refusal;
}

}  // namespace config
