#include "ledger/ledger.h"

#include <cstdio>
#include <filesystem>
#include <fmt/format.h>
#include <functional>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>

#include "ledger/database.h"
#include "ledger/query.h"
#include "support/files.h"
#include "windows.h"

using ledger::By;
using ledger::Ledger;
using ledger::UsageRecord;
using test::Windows;

namespace {

// Nothing is written but when it is asked for.
constexpr std::chrono::milliseconds seldom{3'600'000};

std::unique_ptr<Ledger> open(const std::string& file) {
  auto ledger = Ledger::open({.file = file, .interval = seldom});
  REQUIRE(ledger);
  return std::move(*ledger);
}

UsageRecord record_of(std::string_view client, std::string_view model = "gpt-5") {
  UsageRecord record;
  record.ended_s = 1'764'000'000;  // 2025-11-24 16:00 UTC
  record.client = client;
  record.model = model;
  record.upstream = "openai";
  record.key = "team-b";
  record.amounts = {.requests = 1, .input = 100, .output = 20, .nano_dollars = 5'000};
  return record;
}

int64_t requests_in(const std::string& file) {
  const auto rows = ledger::query_usage(file, By::upstream, "");
  REQUIRE(rows);
  int64_t requests = 0;
  for (const auto& row : *rows)
    requests += row.amounts.requests;
  return requests;
}

int64_t counted_in(const std::string& file, const std::string& client) {
  const auto counters = ledger::query_counters(file);
  REQUIRE(counters);
  for (const auto& each : *counters) {
    if (each.client == client) return each.used;
  }
  return 0;
}

}  // namespace

TEST_CASE("what a ledger was told is there after a restart") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  for (int64_t start = 0; start < 3; ++start) {
    const auto ledger = open(file);
    Windows windows(*ledger);
    CHECK(windows.used("alice") == start * 70);
    windows.use("alice", 70);
    ledger->record(record_of("alice"));
    ledger->record(record_of("alice"));
    ledger->record(record_of("bob"));
    ledger->close();
    ledger->close();
    CHECK(ledger->figures().written == 3);
    CHECK(ledger->figures().dropped == 0);
  }
  CHECK(counted_in(file, "alice") == 210);
  const auto rows = ledger::query_usage(file, By::client, "");
  REQUIRE(rows);
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[0].label == "alice");
  CHECK((*rows)[0].amounts ==
        ledger::Amounts{.requests = 6, .input = 600, .output = 120, .nano_dollars = 30'000});
  CHECK_FALSE(std::filesystem::exists(file + "-wal"));
}

TEST_CASE("usage is read by what one asks for, while it is written") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const auto missing = ledger::query_usage(file, By::client, "");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().find("there is no ledger") == 0);

  const auto ledger = open(file);
  ledger->record(record_of("alice"));
  ledger->record(record_of("bob", "o5"));
  ledger->record(record_of("bob", "o5"));
  UsageRecord without_key = record_of("");
  without_key.ended_s += 26 * 3600;
  without_key.key = "";
  ledger->record(without_key);
  ledger->flush();
  const auto labels = [&](By by, const std::string& since) {
    std::string text;
    const auto rows = ledger::query_usage(file, by, since);
    REQUIRE(rows);
    for (const auto& row : *rows)
      text += fmt::format("{}:{} ", row.label, row.amounts.requests);
    return text;
  };
  CHECK(labels(By::client, "") == "bob:2 :1 alice:1 ");
  CHECK(labels(By::model, "") == "gpt-5:2 o5:2 ");
  CHECK(labels(By::key, "") == "openai/team-b:3 openai:1 ");
  CHECK(labels(By::day, "") == "2025-11-24:3 2025-11-25:1 ");
  CHECK(labels(By::client, "2025-11-24 16") == "bob:2 :1 alice:1 ");
  CHECK(labels(By::client, "2025-11-24 17") == ":1 ");
  CHECK(labels(By::client, "2025-11-26 00").empty());
  CHECK(ledger::hour_text(1'764'000'000, 0) == "2025-11-24 16");
  CHECK(ledger::hour_text(1'764'000'000, 8 * 3600) == "2025-11-25 00");
  CHECK(ledger::parse_by("model") == By::model);
  CHECK_FALSE(ledger::parse_by("colour"));
  CHECK(ledger::by_name(By::key) == "key");
}

TEST_CASE("more than the queue holds is not lost while the thread is at something else") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const auto ledger = open(file);
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i)
        ledger->record(record_of("alice"));
    });
  }
  for (auto& worker : workers)
    worker.join();
  ledger->flush();
  const auto figures = ledger->figures();
  CHECK(figures.recorded == 20'000);
  // A lock that another one holds is not waited for.
  CHECK(figures.written + figures.dropped == 20'000);
  CHECK(requests_in(file) == static_cast<int64_t>(figures.written));
}

TEST_CASE("after the end records are dropped and counted") {
  const test::TemporaryFolder folder;
  const auto ledger = open(folder / "ledger.db");
  ledger->close();
  ledger->record(record_of("alice"));
  ledger->flush();
  CHECK(ledger->figures().dropped == 1);
}

TEST_CASE("two processes on one file count together, and each learns of the other") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  auto leaving = open(file);
  Windows of_leaving(*leaving);
  of_leaving.use("alice", 10);
  leaving->flush();

  const auto coming = open(file);
  Windows of_coming(*coming);
  CHECK(of_coming.used("alice") == 10);
  of_coming.use("alice", 100);
  of_leaving.use("alice", 1);  // a stream that goes on
  coming->flush();
  leaving->flush();
  CHECK(of_leaving.used("alice") == 111);
  coming->flush();
  CHECK(of_coming.used("alice") == 111);
  of_leaving.use("alice", 1000);
  leaving->record(record_of("alice"));
  coming->record(record_of("alice"));
  leaving->close();
  coming->flush();
  CHECK(of_coming.used("alice") == 1111);
  CHECK(counted_in(file, "alice") == 1111);
  CHECK(requests_in(file) == 2);
}

TEST_CASE("two that write at once lose nothing") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  {
    const auto first = open(file);
    const auto second = open(file);
    Windows of_first(*first);
    Windows of_second(*second);
    const auto work = [](Ledger& ledger, Windows& windows) {
      for (int i = 0; i < 100; ++i) {
        windows.use("alice", 1);
        ledger.record(record_of("alice"));
        ledger.flush();
      }
    };
    std::thread other([&] { work(*second, of_second); });
    work(*first, of_first);
    other.join();
    first->flush();
    second->flush();
    CHECK(of_first.used("alice") == 200);
    CHECK(of_second.used("alice") == 200);
  }
  CHECK(counted_in(file, "alice") == 200);
  CHECK(requests_in(file) == 200);
}

TEST_CASE("a file that is taken away under a running ledger is begun anew, with what counts") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const auto ledger = open(file);
  Windows windows(*ledger);
  windows.use("alice", 70);
  ledger->flush();
  for (const char* suffix : {"", "-wal", "-shm"})
    std::remove((file + suffix).c_str());
  windows.use("alice", 1);
  ledger->record(record_of("alice"));
  ledger->flush();
  CHECK(counted_in(file, "alice") == 71);
  CHECK(windows.used("alice") == 71);
  CHECK(requests_in(file) == 1);
}

TEST_CASE(
    "a file that is damaged under a running ledger is put aside, and nothing is counted twice") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const auto ledger = open(file);
  Windows windows(*ledger);
  windows.use("alice", 70);
  ledger->flush();
  {
    auto database = ledger::Database::open(file, ledger::Database::Mode::read_write, 1000);
    REQUIRE(database);
    REQUIRE(database->prepare("PRAGMA wal_checkpoint(TRUNCATE)").run());
  }
  std::FILE* bytes = std::fopen(file.c_str(), "r+");
  REQUIRE(bytes != nullptr);
  std::fseek(bytes, 0, SEEK_END);
  const long size = std::ftell(bytes);
  std::fseek(bytes, 4096, SEEK_SET);
  for (long i = 4096; i < size; ++i)
    std::fputc(0x55, bytes);
  std::fclose(bytes);
  windows.use("alice", 1);
  ledger->record(record_of("alice"));
  for (int i = 0; i < 3; ++i)
    ledger->flush();
  CHECK(ledger->figures().is_writing);
  CHECK(counted_in(file, "alice") == 71);
  CHECK(requests_in(file) == 1);
}

TEST_CASE("another source takes over at a reload") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const auto ledger = open(file);
  {
    Windows former(*ledger);
    former.use("alice", 5);
    ledger->flush();
    ledger->watch({});
  }
  ledger->flush();
  Windows next(*ledger);
  next.use("alice", 7);  // which it took over, and two more
  ledger->flush();
  CHECK(counted_in(file, "alice") == 7);
}

namespace {

// Runs `work` in a mount namespace of its own, with a small file system at `place`. False where
// that is not allowed.
bool with_small_disk(const std::string& place, const std::function<void()>& work) {
  bool is_allowed = false;
  std::thread alone([&] {
    is_allowed = unshare(CLONE_NEWNS) == 0 &&
                 mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                 mount("tmpfs", place.c_str(), "tmpfs", 0, "size=256k") == 0;
    if (is_allowed) work();
  });
  alone.join();
  return is_allowed;
}

// All the room there is; the file that has it.
std::string fill(const std::string& place) {
  std::string name = place + "/ballast";
  std::FILE* file = std::fopen(name.c_str(), "w");
  std::setvbuf(file, nullptr, _IONBF, 0);
  while (std::fputc('x', file) != EOF) {
  }
  std::fclose(file);
  return name;
}

}  // namespace

TEST_CASE("a disk that is full is waited for, in memory") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const bool is_allowed = with_small_disk(folder.path(), [&] {
    const auto ledger = open(file);
    Windows windows(*ledger);
    windows.use("alice", 10);
    ledger->record(record_of("alice"));
    ledger->flush();
    const std::string ballast = fill(folder.path());
    for (int i = 0; i < 400; ++i) {
      windows.use("alice", 1);
      ledger->record(record_of("alice", fmt::format("model-{}-{}", i, std::string(80, 'm'))));
    }
    ledger->flush();
    ledger->flush();
    auto figures = ledger->figures();
    CHECK_FALSE(figures.is_writing);
    CHECK(figures.written == 1);
    CHECK(counted_in(file, "alice") == 10);

    std::remove(ballast.c_str());
    windows.use("alice", 1);
    ledger->flush();
    figures = ledger->figures();
    CHECK(figures.is_writing);
    CHECK(figures.written == 401);
    CHECK(figures.dropped == 0);
    CHECK(counted_in(file, "alice") == 411);
    CHECK(requests_in(file) == 401);
  });
  if (!is_allowed) MESSAGE("skipped: a small file system needs root");
}

TEST_CASE("a disk that is full at the start is waited for, and what the file had is counted then") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  const bool is_allowed = with_small_disk(folder.path(), [&] {
    SUBCASE("without a file") {
      const std::string ballast = fill(folder.path());
      const auto ledger = open(file);
      Windows windows(*ledger);
      windows.use("alice", 5);
      ledger->flush();
      CHECK_FALSE(ledger->figures().is_writing);
      std::remove(ballast.c_str());
      ledger->flush();
      CHECK(ledger->figures().is_writing);
      CHECK(counted_in(file, "alice") == 5);
    }
    SUBCASE("with one") {
      {
        const auto former = open(file);
        Windows windows(*former);
        windows.use("alice", 70);
        former->close();
      }
      const std::string ballast = fill(folder.path());
      const auto ledger = open(file);
      Windows windows(*ledger);
      windows.use("alice", 5);
      ledger->flush();
      std::remove(ballast.c_str());
      ledger->flush();
      CHECK(ledger->figures().is_writing);
      CHECK(windows.used("alice") == 75);
      CHECK(counted_in(file, "alice") == 75);
    }
  });
  if (!is_allowed) MESSAGE("skipped: a small file system needs root");
}
