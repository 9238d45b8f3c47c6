// config/yaml_tree: places, aliases, and the bounds that hold against hostile text.
#include "config/yaml_tree.h"

#include <string>

#include <doctest/doctest.h>

using config::Node;
using config::parse_yaml;

namespace {

struct Refused {
  int line = 0;
  int column = 0;
  std::string why;
};

Refused refused(std::string_view text) {
  const auto tree = parse_yaml(text);
  if (tree) return {-1, -1, "(accepted)"};
  return {tree.error().place.line, tree.error().place.column, tree.error().why};
}

}  // namespace

TEST_CASE("nodes know their kind and their place") {
  const auto tree = parse_yaml("a: 1\nb:\n  - x\n  - \"y\"\nc: {d: ~}\n");
  REQUIRE(tree);
  CHECK(tree->kind == Node::Kind::map);
  REQUIRE(tree->keys.size() == 3);
  REQUIRE(tree->values.size() == 3);
  CHECK(tree->keys[1].text == "b");
  CHECK(tree->keys[1].place.line == 2);
  CHECK(tree->keys[1].place.column == 1);
  const Node& list = tree->values[1];
  REQUIRE(list.kind == Node::Kind::list);
  CHECK(list.values[1].text == "y");
  CHECK(list.values[1].place.line == 4);
  CHECK(list.values[1].place.column == 5);
  CHECK(tree->values[2].values[0].kind == Node::Kind::null);
}

TEST_CASE("texts without content are a null node") {
  for (const std::string text : {"", "\n\n", "# a comment\n", "---\n", "\xef\xbb\xbf", "~"}) {
    CAPTURE(text);
    const auto tree = parse_yaml(text);
    REQUIRE(tree);
    CHECK(tree->kind == Node::Kind::null);
  }
}

TEST_CASE("aliases are replaced by a copy at their own place") {
  const auto tree = parse_yaml("a: &x [1, 2]\nb: *x\n");
  REQUIRE(tree);
  const Node& copy = tree->values[1];
  REQUIRE(copy.values.size() == 2);
  CHECK(copy.values[1].text == "2");
  CHECK(copy.place.line == 2);
}

TEST_CASE("broken YAML is refused with its place") {
  CHECK(refused("a: 1\n b: 2\n").line == 2);
  for (const std::string text :
       {"a: 'x", "a: 'x\n", "a: \"x\nb: 1\n", "a: [1\n", "a: {b: 1", "a: {"}) {
    CAPTURE(text);
    CHECK(refused(text).why == "is not valid YAML: a bracket or a quote is never closed");
  }
  CHECK(refused("a: *x\n").why.find("is not valid YAML: ") == 0);
  CHECK(refused("a: &x [*x]\n").why == "an alias stands inside its own anchor");
  CHECK(refused("a: !!str 1\n").why == "YAML tags are not supported here");
  CHECK(refused("--- {a: 1}\n--- {b: 1}\n").why ==
        "holds a second YAML document: take out the --- that begins it");
  CHECK(refused("? [a]\n: b\n").why.starts_with("a key must be a plain word"));
  CHECK(refused("? \n: b\n").why.starts_with("a key must be a plain word"));
}

TEST_CASE("what is not UTF-8 text is refused at the byte") {
  const auto refusal = refused("a: 1\nbc: \xc3(\n");
  CHECK(refusal.line == 2);
  CHECK(refusal.column == 5);
  CHECK(refusal.why ==
        "is not UTF-8 text: it holds the byte 0xc3; it may be GBK or another local encoding: save "
        "the file as UTF-8");
  for (const std::string& text : {std::string("a\0b", 3),
                                  std::string("\x7f"),
                                  std::string("\x1b[2J"),
                                  std::string("\xff\xfe"),
                                  std::string("\xc0\xaf"),
                                  std::string("\xe0\x80\xaf"),
                                  std::string("\xed\xa0\x80"),
                                  std::string("\xf4\x90\x80\x80"),
                                  std::string("\xf0\x8f\x80\x80"),
                                  std::string("\xe2\x82"),
                                  std::string("\x80")}) {
    CAPTURE(text);
    CHECK(refused(text).why.find("is not UTF-8 text") == 0);
  }
  CHECK(config::is_utf8("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xed\x9f\xbf\xf4\x8f\xbf\xbf"));
  CHECK_FALSE(config::is_utf8("a\xc3"));
}

TEST_CASE("size and depth are bounded") {
  CHECK(refused(std::string(config::yaml_bytes_max + 1, '#')).why ==
        "is larger than 1048576 bytes");
  CHECK(refused(std::string(config::yaml_bytes_max, '#')).why == "(accepted)");
  const auto nested = [](int depth) {
    return std::string(static_cast<size_t>(depth), '[') +
           std::string(static_cast<size_t>(depth), ']');
  };
  CHECK(refused(nested(config::yaml_depth_max)).why == "(accepted)");
  CHECK(refused(nested(config::yaml_depth_max + 1)).why == "is nested deeper than 32 levels");
  CHECK(refused(std::string(500'000, '[')).why == "is nested deeper than 32 levels");
  // Depth by aliases of aliases counts as well.
  std::string text = "a0: &a0 [[[[x]]]]\n";
  for (int i = 1; i <= 8; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [[[[*a" +
            std::to_string(i - 1) + "]]]]\n";
  }
  CHECK(refused(text).why == "is nested deeper than 32 levels");
}

TEST_CASE("a billion laughs are not laughed") {
  std::string text = "a0: &a0 lol\n";
  for (int i = 1; i <= 9; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int j = 0; j < 9; ++j)
      text += ", " + below;
    text += "]\n";
  }
  CHECK(refused(text).why == "grows too large by what it repeats");
  // One long scalar, many times.
  text = "a: &a " + std::string(500'000, 'x') + "\nb: [*a";
  for (int i = 0; i < 100; ++i)
    text += ", *a";
  CHECK(refused(text + "]\n").why == "grows too large by what it repeats");
}
