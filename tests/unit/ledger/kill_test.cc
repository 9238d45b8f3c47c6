// A process with a ledger, killed under load: nothing that was written is lost, nothing is there
// that was not.
#include <array>
#include <atomic>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <random>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "ledger/database.h"
#include "ledger/ledger.h"
#include "ledger/query.h"
#include "support/files.h"
#include "windows.h"

namespace {

constexpr const char* folder_variable = "OPENAI_PROXY_KILLED_LEDGER";

// What the child has done, as the parent finds it after its death: memory that both have.
struct Progress {
  std::atomic<uint64_t> recorded;
  std::atomic<uint64_t> written;
};

Progress& progress_of(const std::string& file) {
  const int fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(fd >= 0);
  REQUIRE(ftruncate(fd, sizeof(Progress)) == 0);
  void* memory = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ::close(fd);
  REQUIRE(memory != MAP_FAILED);
  return *static_cast<Progress*>(memory);
}

pid_t start_child(const std::string& folder) {
  std::array<char, 4096> self{};
  REQUIRE(readlink("/proc/self/exe", self.data(), self.size() - 1) > 0);
  const std::string variable = std::string(folder_variable) + "=" + folder;
  const pid_t child = fork();
  if (child == 0) {
    const char* arguments[] = {
        self.data(), "--test-case=(child) a ledger under load", "--no-skip=true", nullptr};
    const char* environment[] = {variable.c_str(), nullptr};
    ::execve(self.data(), const_cast<char**>(arguments), const_cast<char**>(environment));
    ::_exit(127);
  }
  REQUIRE(child > 0);
  return child;
}

int rounds() {
  const char* wanted = std::getenv("OPENAI_PROXY_LEDGER_KILLS");
  return wanted == nullptr ? 10 : std::atoi(wanted);
}

}  // namespace

TEST_CASE("(child) a ledger under load" * doctest::skip()) {
  const char* folder = std::getenv(folder_variable);
  if (folder == nullptr) return;  // somebody runs what is skipped
  Progress& progress = progress_of(std::string(folder) + "/progress");
  auto ledger = ledger::Ledger::open(
      {.file = std::string(folder) + "/ledger.db", .interval = std::chrono::milliseconds(1)});
  REQUIRE(ledger);
  test::Windows windows(**ledger);
  const uint64_t written_before = progress.written;
  // Whoever forgets it is ended by the alarm.
  alarm(60);
  for (uint64_t i = 0;; ++i) {
    ledger::UsageRecord record;
    record.ended_s = test::Windows::begun_s + static_cast<int64_t>(i / 100);
    record.client = i % 2 == 0 ? "alice" : "bob";
    record.model = "gpt-5";
    ++progress.recorded;
    windows.use("alice", 1);
    (*ledger)->record(record);
    // Never so far ahead that records have to be dropped.
    do {
      progress.written = written_before + (*ledger)->figures().written;
      if (i % 16 == 0) std::this_thread::yield();
    } while (written_before + i > progress.written + 500);
  }
}

TEST_CASE("a ledger that is killed loses nothing that it has written, and stays whole") {
  const test::TemporaryFolder folder;
  const std::string file = folder / "ledger.db";
  Progress& progress = progress_of(folder / "progress");
  std::mt19937 random(std::random_device{}());
  for (int round = 0; round < rounds(); ++round) {
    CAPTURE(round);
    const uint64_t before = progress.written;
    const pid_t child = start_child(folder.path());
    while (progress.written < before + 200 && waitpid(child, nullptr, WNOHANG) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 3000));
    REQUIRE(kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));

    auto database = ledger::Database::open(file, ledger::Database::Mode::read_write, 1000);
    REQUIRE(database);
    auto check = database->prepare("PRAGMA integrity_check");
    REQUIRE(check.step() == ledger::Step::row);
    CHECK(check.text(0) == "ok");
    const auto kept = static_cast<uint64_t>(database->number("SELECT sum(requests) FROM usage"));
    const auto counted = static_cast<uint64_t>(database->number("SELECT sum(used) FROM counters"));
    CHECK(kept >= progress.written);
    CHECK(kept <= progress.recorded);
    CHECK(counted >= kept);  // counted before it is recorded, and asked for after it
    CHECK(counted <= progress.recorded);
    // The next child goes on from here.
    progress.written = kept;
    progress.recorded = kept > counted ? kept : counted;
  }
  munmap(&progress, sizeof progress);
}
