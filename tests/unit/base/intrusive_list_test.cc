#include "base/intrusive_list.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

namespace {

struct Item : base::ListLink<Item> {
  explicit Item(char item_name) : name(item_name) {}
  char name;
};
using List = base::IntrusiveList<Item>;

std::string names(List& list) {
  std::string text;
  list.for_each([&text](const Item& item) { text += item.name; });
  return text;
}

}  // namespace

TEST_CASE("elements stand in order and leave in O(1), by themselves when destroyed") {
  List list;
  Item a('a');
  Item b('b');
  auto c = std::make_unique<Item>('c');
  CHECK(list.empty());
  CHECK(list.pop_front() == nullptr);
  list.push_back(a);
  list.push_back(b);
  list.push_back(*c);
  CHECK(names(list) == "abc");
  CHECK(list.front().name == 'a');
  CHECK(list.back().name == 'c');
  b.unlink();
  b.unlink();
  CHECK(!b.is_linked());
  CHECK(names(list) == "ac");
  c.reset();
  CHECK(names(list) == "a");
  list.push_back(b);
  CHECK(list.pop_front() == &a);
  CHECK(!a.is_linked());
  CHECK(names(list) == "b");
}

TEST_CASE("for_each survives the visited element's leaving") {
  List list;
  std::unique_ptr<Item> items[3];
  for (char name = 'a'; auto& item : items) {
    item = std::make_unique<Item>(name++);
    list.push_back(*item);
  }
  list.for_each([&items](Item& item) { items[item.name - 'a'].reset(); });
  CHECK(list.empty());
}

TEST_CASE("a list that ends leaves its elements unlinked") {
  Item a('a');
  {
    List list;
    list.push_back(a);
  }
  CHECK(!a.is_linked());
  List other;
  other.push_back(a);
  CHECK(names(other) == "a");
}
