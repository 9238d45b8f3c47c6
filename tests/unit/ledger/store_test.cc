#include "ledger/store.h"

#include <array>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/files.h"

using ledger::Database;
using ledger::Failure;
using ledger::Migration;
using ledger::Store;

namespace {

// The only file of the folder that has been put aside; "" where there is none.
std::string put_aside_in(const test::TemporaryFolder& folder) {
  std::string found;
  for (const auto& each : std::filesystem::directory_iterator(folder.path())) {
    const std::string name = each.path().filename();
    if (name.find(".corrupt-") == std::string::npos || name.ends_with("-wal")) continue;
    CHECK(found.empty());
    found = each.path();
  }
  return found;
}

std::string text_of(const test::TemporaryFolder& folder, const std::string& name) {
  const auto store = Store::open(folder / name);
  return store ? std::string() : store.error().text;
}

void run(const std::string& file, const char* statements) {
  auto database = Database::open(file, Database::Mode::read_write, 1000);
  REQUIRE(database);
  REQUIRE(database->run(statements));
}

constexpr std::array<Migration, 1> first = {"CREATE TABLE things (name TEXT)"};
constexpr std::array<Migration, 3> later = {
    "CREATE TABLE things (name TEXT)",
    "ALTER TABLE things ADD COLUMN colour TEXT; UPDATE things SET colour = 'red'",
    "CREATE TABLE more (number INTEGER)"};
constexpr std::array<Migration, 3> wrong = {
    later[0], later[1], "INSERT INTO more VALUES (1); CREATE TABLE nonsense"};

}  // namespace

TEST_CASE("a new file is for its user alone, and is opened again") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const mode_t former = umask(0);
  {
    auto store = Store::open(file);
    REQUIRE(store);
    REQUIRE(store->begin());
    REQUIRE(store->commit());
    for (const char* suffix : {"", "-wal", "-shm"}) {
      struct stat its {};
      REQUIRE(stat((file + suffix).c_str(), &its) == 0);
      CHECK((its.st_mode & 0777U) == 0600);
    }
    CHECK(store->is_in_place());
  }
  umask(former);
  CHECK(Store::open(file));
  CHECK(put_aside_in(folder).empty());
}

TEST_CASE("a file that cannot be made says why") {
  const test::TemporaryFolder folder;
  CHECK(text_of(folder, "nowhere/ledger.db").find("its folder must exist") != std::string::npos);
  std::filesystem::create_directory(folder / "folder");
  CHECK(text_of(folder, "folder").find("cannot be used") != std::string::npos);
}

TEST_CASE("a damaged file is put aside with its log, and a new one begun") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  SUBCASE("that is no database at all") {
    test::write_file(file, "This is some text, but no database.");
  }
  SUBCASE("whose head is lost") {
    { REQUIRE(Store::open(file)); }
    std::string bytes = test::read_file(file);
    bytes.replace(0, 100, 100, '\0');
    test::write_file(file, bytes);
  }
  SUBCASE("whose pages are") {
    { REQUIRE(Store::open(file)); }
    std::string bytes = test::read_file(file);
    REQUIRE(bytes.size() > 8192);
    bytes.replace(4096, bytes.size() - 4096, bytes.size() - 4096, '\x55');
    test::write_file(file, bytes);
  }
  SUBCASE("that was cut") {
    { REQUIRE(Store::open(file)); }
    test::write_file(file, test::read_file(file).substr(0, 4096));
  }
  const std::string before = test::read_file(file);
  auto store = Store::open(file);
  REQUIRE(store);
  CHECK(store->database().number("SELECT count(*) FROM usage") == 0);
  const std::string aside = put_aside_in(folder);
  REQUIRE_FALSE(aside.empty());
  CHECK(test::read_file(aside).size() == before.size());
}

TEST_CASE("a log beside a damaged file does not spoil the new one") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  test::write_file(file, std::string(5000, 'x'));
  test::write_file(file + "-wal", std::string(5000, 'y'));
  auto store = Store::open(file);
  REQUIRE(store);
  CHECK_FALSE(put_aside_in(folder).empty());
  CHECK(test::read_file(file + "-wal").find("yyyy") == std::string::npos);
  CHECK(store->database().number("SELECT count(*) FROM usage") == 0);
}

TEST_CASE("two damaged files of one second are both kept") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  for (int i = 0; i < 2; ++i) {
    test::write_file(file, "not a database, but longer than its head, which has a hundred bytes");
    REQUIRE(ledger::put_aside(file, "as a test"));
  }
  int kept = 0;
  for (const auto& each : std::filesystem::directory_iterator(folder.path()))
    kept += each.path().string().find(".corrupt-") != std::string::npos ? 1 : 0;
  CHECK(kept == 2);
}

TEST_CASE("another program's file is left alone") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "other.db";
  test::write_file(file, "");
  run(file, "CREATE TABLE bookmarks (url TEXT); INSERT INTO bookmarks VALUES ('x')");
  CHECK(text_of(folder, "other.db").find("is another program's SQLite file") != std::string::npos);
  CHECK(put_aside_in(folder).empty());
  auto database = Database::open(file, Database::Mode::read_only, 1000);
  REQUIRE(database);
  CHECK(database->number("SELECT count(*) FROM bookmarks") == 1);
}

TEST_CASE("a newer schema is refused with words, and left alone") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  { REQUIRE(Store::open(file)); }
  run(file, "PRAGMA user_version = 7");
  const auto store = Store::open(file);
  REQUIRE_FALSE(store);
  CHECK_FALSE(store.error().is_for_now);
  CHECK(
      store.error().text.find("newer version of openai-proxy (schema 7, this one knows up to 1)") !=
      std::string::npos);
  const auto reader = Store::open_to_read(file);
  REQUIRE_FALSE(reader);
  CHECK(reader.error().text == store.error().text);
  CHECK(put_aside_in(folder).empty());
}

TEST_CASE("an older schema is brought up to date with what it holds") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  {
    auto store = Store::open(file, first);
    REQUIRE(store);
    REQUIRE(store->database().run("INSERT INTO things VALUES ('door'), ('roof')"));
  }
  auto store = Store::open(file, later);
  REQUIRE(store);
  CHECK(store->database().number("SELECT count(*) FROM things WHERE colour = 'red'") == 2);
  CHECK(store->database().number("SELECT count(*) FROM more") == 0);
  CHECK(store->database().number("PRAGMA user_version") == 3);
}

TEST_CASE("a migration that fails halfway leaves the file as it was") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  {
    auto store = Store::open(file, first);
    REQUIRE(store);
    REQUIRE(store->database().run("INSERT INTO things VALUES ('door')"));
  }
  const auto failed = Store::open(file, wrong);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().text.find("no such table: more") != std::string::npos);
  auto store = Store::open(file, first);
  REQUIRE(store);
  CHECK(store->database().number("PRAGMA user_version") == 1);
  CHECK(store->database().number("SELECT count(*) FROM things") == 1);
}

TEST_CASE("names with SQLite's own characters are names") {
  const test::TemporaryFolder folder;
  for (const char* name : {"what? 50%41.db", "#1.db"}) {
    CAPTURE(name);
    REQUIRE(Store::open(folder / name));
    CHECK(access((folder / name).c_str(), F_OK) == 0);
    CHECK(Store::open_to_read(folder / name));
  }
}

TEST_CASE("old windows and old usage are forgotten") {
  const test::TemporaryFolder folder;
  auto store = Store::open(folder / "ledger.db");
  REQUIRE(store);
  const std::array<ledger::Counter, 4> counters = {{{"alice", "day", 1000, 1},
                                                    {"alice", "day", 2000, 2},
                                                    {"alice", "week", 1500, 3},
                                                    {"gone", "day", 500, 4}}};
  const std::array<Store::Usage, 2> usage = {
      {{.day = "2025-01-01", .hour = 3, .client = "alice", .amounts = {.requests = 1}},
       {.day = "2026-01-01", .hour = 3, .client = "alice", .amounts = {.requests = 1}}}};
  REQUIRE(store->add_counters(counters));
  REQUIRE(store->add_usage(usage));
  REQUIRE(store->forget(900, "2025-06-01"));
  std::vector<ledger::Counter> left;
  REQUIRE(store->read_counters(left));
  REQUIRE(left.size() == 2);
  CHECK(left[0].window == 2000);
  CHECK(left[1].window == 1500);
  CHECK(store->database().number("SELECT count(*) FROM counters") == 2);
  CHECK(store->database().number("SELECT count(*) FROM usage") == 1);
}
