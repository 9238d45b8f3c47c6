#include "base/arena.h"

#include <string>

#include <doctest/doctest.h>

using base::Arena;

TEST_CASE("copies live until reset, small and large") {
  Arena arena;
  std::string source = "short";
  const std::string_view copied = arena.copy(source);
  source = "gone!";
  const std::string large(50'000, 'x');
  const std::string_view large_copy = arena.copy(large);
  CHECK(arena.copy("").empty());
  CHECK(copied == "short");
  CHECK(large_copy == large);
  CHECK(arena.used() == 5 + large.size());
  arena.reset();
  CHECK(arena.used() == 0);
  CHECK(arena.copy("new") == "new");
}

TEST_CASE("append grows in place behind the last allocation, else copies") {
  Arena arena;
  std::string_view text = arena.append({}, "con");
  const char* place = text.data();
  text = arena.append(text, "tent-");
  text = arena.append(text, "");
  text = arena.append(text, "type");
  CHECK(text == "content-type");
  CHECK(text.data() == place);
  const std::string_view other = arena.copy("between");
  text = arena.append(text, "!");
  CHECK(text == "content-type!");
  CHECK(other == "between");
  // Across the end of a block.
  std::string expected(text);
  for (int i = 0; i < 3'000; ++i) {
    text = arena.append(text, "0123456789");
    expected += "0123456789";
  }
  CHECK(text == expected);
  CHECK(other == "between");
}

TEST_CASE("join") {
  Arena arena;
  CHECK(arena.join({"a", "", "bc", "d"}) == "abcd");
  CHECK(arena.join({}).empty());
}
