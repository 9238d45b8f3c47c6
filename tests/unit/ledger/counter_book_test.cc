#include "ledger/counter_book.h"

#include <array>
#include <map>
#include <utility>

#include <doctest/doctest.h>

using ledger::Counter;
using ledger::CounterBook;
using ledger::CounterSource;

namespace {

// A source with the windows of one limit of several clients.
struct Windows {
  struct Window {
    int64_t begun = 100;
    int64_t used = 0;
  };
  std::map<std::string, Window> of;

  CounterSource source() {
    return {.visit =
                [this](const ledger::CounterVisitor& visit) {
                  for (const auto& [client, window] : of)
                    visit(client, "day", window.begun, window.used);
                },
            .add =
                [this](const Counter& counter) {
                  Window& its = of[counter.client];
                  if (its.begun != counter.window) return false;
                  its.used += counter.used;
                  return true;
                }};
  }
};

Counter counter_of(const char* client, int64_t used, int64_t window = 100) {
  return {.client = client, .limit = "day", .window = window, .used = used};
}

}  // namespace

TEST_CASE("only what came on top is written") {
  CounterBook book;
  Windows windows;
  const auto source = windows.source();
  CHECK(book.unwritten(source).empty());
  windows.of["alice"].used = 5;
  auto due = book.unwritten(source);
  REQUIRE(due.size() == 1);
  CHECK(due[0].used == 5);
  CHECK(book.unwritten(source).size() == 1);  // not written yet
  book.written(due);
  CHECK(book.unwritten(source).empty());
  windows.of["alice"].used = 7;
  CHECK(book.unwritten(source)[0].used == 2);
  // What is used while it is being written stays due.
  due = book.unwritten(source);
  windows.of["alice"].used = 8;
  book.written(due);
  CHECK(book.unwritten(source)[0].used == 1);
  // The next window.
  windows.of["alice"] = {.begun = 200, .used = 3};
  due = book.unwritten(source);
  REQUIRE(due.size() == 1);
  CHECK(due[0].window == 200);
  CHECK(due[0].used == 3);
}

TEST_CASE("what was restored is not written again") {
  CounterBook book;
  Windows windows;
  windows.of["alice"].used = 50;
  const std::array<Counter, 1> stored = {counter_of("alice", 50)};
  book.restore(stored);
  CHECK(book.unwritten(windows.source()).empty());
  windows.of["alice"].used = 51;
  CHECK(book.unwritten(windows.source())[0].used == 1);
}

TEST_CASE("what others write is told, once, and not written again") {
  CounterBook book;
  Windows windows;
  windows.of["alice"].used = 5;
  const auto source = windows.source();
  book.written(book.unwritten(source));
  windows.of["alice"].used = 6;
  for (int i = 0; i < 2; ++i) {
    const std::array<Counter, 2> stored = {counter_of("alice", 25), counter_of("bob", 3)};
    book.compare(stored, source);
    CHECK(windows.of["alice"].used == 26);
    CHECK(windows.of["bob"].used == 3);
  }
  const auto due = book.unwritten(source);
  REQUIRE(due.size() == 1);
  CHECK(due[0].used == 1);
}

TEST_CASE("what others write of windows that do not run here is left alone") {
  CounterBook book;
  Windows windows;
  windows.of["alice"] = {.begun = 200, .used = 4};
  const auto source = windows.source();
  const std::array<Counter, 1> former = {counter_of("alice", 25)};
  book.compare(former, source);
  CHECK(windows.of["alice"].used == 4);
  CHECK(book.unwritten(source)[0].used == 4);
  book.written(book.unwritten(source));
  // Even where the file has lost ours since.
  book.compare(former, source);
  CHECK(windows.of["alice"].used == 4);
  CHECK(book.unwritten(source)[0].used == 4);
}

TEST_CASE("what a new file does not have is written to it") {
  CounterBook book;
  Windows windows;
  windows.of["alice"].used = 50;
  windows.of["bob"].used = 5;
  const auto source = windows.source();
  const std::array<Counter, 1> stored = {counter_of("alice", 50)};
  book.restore(stored);
  book.written(book.unwritten(source));
  windows.of["alice"].used = 51;
  book.compare({}, source);
  const auto due = book.unwritten(source);
  REQUIRE(due.size() == 2);
  CHECK(due[0].used == 51);
  CHECK(due[1].used == 5);
  CHECK(windows.of["alice"].used == 51);
}

TEST_CASE("a counter that is told of twice is written once") {
  CounterBook book;
  CounterSource source;
  source.visit = [](const ledger::CounterVisitor& visit) {
    visit("alice", "day", 100, 5);
    visit("alice", "day", 100, 5);
    visit("alice", "day", 90, 7);
  };
  const auto due = book.unwritten(source);
  REQUIRE(due.size() == 1);
  CHECK(due[0].used == 5);
  book.written(due);
  CHECK(book.unwritten(source).empty());
}
