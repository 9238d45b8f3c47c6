// bench/process_watch: CPU of threads that end and of children, memory, who listens on a port.
#include "bench/load/process_watch.h"

#include <algorithm>
#include <csignal>
#include <ctime>
#include <memory>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/sync.h"
#include "support/wire.h"

using bench::load::ProcessUse;
using bench::load::ProcessWatch;

namespace {

constexpr uint64_t ms = 1'000'000;

uint64_t clock_ns(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec * 1'000'000'000 + now.tv_nsec);
}

// Burns that much CPU time of the calling thread.
void burn(uint64_t ns) {
  const uint64_t begin = clock_ns(CLOCK_THREAD_CPUTIME_ID);
  while (clock_ns(CLOCK_THREAD_CPUTIME_ID) - begin < ns) {
  }
}

ProcessWatch watch(int pid) {
  auto opened = ProcessWatch::open(pid);
  REQUIRE(opened);
  return std::move(*opened);
}

// A process that runs `work`, then waits to be killed; gone with the object.
class Child {
 public:
  template <class Work>
  explicit Child(Work work) : pid_(fork()) {
    if (pid_ != 0) return;
    work();
    pause();
    _exit(0);
  }
  ~Child() {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  Child(Child&&) = delete;
  Child& operator=(Child&&) = delete;

  [[nodiscard]] int pid() const { return pid_; }

 private:
  pid_t pid_;
};

}  // namespace

TEST_CASE("CPU time is that of the measured part, with threads that have ended") {
  ProcessWatch self = watch(getpid());
  burn(20 * ms);
  // What the process spends besides is not the same everywhere: its own clock is the bound.
  const uint64_t before = clock_ns(CLOCK_PROCESS_CPUTIME_ID);
  self.begin();
  std::thread([] { burn(60 * ms); }).join();
  burn(20 * ms);
  const ProcessUse use = self.end();
  const uint64_t spent = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - before;
  CHECK(use.cpu_ns >= 80 * ms);
  CHECK(use.cpu_ns <= spent);
  CHECK(use.threads >= 1);
  CHECK(use.open_fds >= 3);
}

TEST_CASE("memory at its peak, also when it was given back") {
  ProcessWatch self = watch(getpid());
  self.begin();
  constexpr size_t size = size_t{64} << 20;
  void* block = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  REQUIRE(block != MAP_FAILED);
  std::fill_n(static_cast<char*>(block), size, 'x');
  self.sample();
  munmap(block, size);
  const ProcessUse use = self.end();
  CHECK(use.rss_peak_bytes >= use.rss_bytes + size / 2);
  CHECK(use.rss_peak_bytes >= use.rss_before_bytes + size / 2);
}

TEST_CASE("children count with their parent, whether they were there or come") {
  int ready[2];
  REQUIRE(pipe(ready) == 0);
  const Child parent([&ready] {
    // The grandchild: works, reports, waits.
    const pid_t grandchild = fork();
    burn(30 * ms);
    if (grandchild == 0) {
      [[maybe_unused]] const auto written = write(ready[1], "x", 1);
      pause();
    }
  });
  ProcessWatch family = watch(parent.pid());
  family.begin();
  char byte = 0;
  REQUIRE(read(ready[0], &byte, 1) == 1);
  const auto members = bench::load::process_family(parent.pid());
  REQUIRE(members.size() == 2);
  CHECK(members[0] == parent.pid());
  const ProcessUse use = family.end();
  // The two may have worked a little before begin().
  if (!test::sanitized) CHECK(use.threads == 2);  // a sanitizer has threads of its own
  CHECK(bench::load::process_cpu_ns(members[1]).value() >= 30 * ms);
  kill(members[1], SIGKILL);
  close(ready[0]);
  close(ready[1]);
}

TEST_CASE("a process that ends keeps what it was last seen with") {
  auto child = std::make_unique<Child>([] { burn(10 * ms); });
  ProcessWatch watched = watch(child->pid());
  watched.begin();
  child.reset();
  const ProcessUse use = watched.end();
  CHECK(use.threads == 0);
  CHECK(use.rss_bytes == 0);
}

TEST_CASE("a process that is not there") {
  const auto missing = ProcessWatch::open(0x3ffffffe);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().find("no process") != std::string::npos);
  CHECK_FALSE(bench::load::process_cpu_ns(0x3ffffffe));
}

TEST_CASE("who listens on a port") {
  uint16_t port = 0;
  {
    const test::ListeningSocket listening;
    port = listening.port();
    const auto owner = bench::load::listening_process(port);
    REQUIRE(owner);
    CHECK(*owner == getpid());
    // A child has the same socket: the parent is meant.
    const Child child([] {});
    CHECK(*bench::load::listening_process(port) == getpid());
  }
  const auto nobody = bench::load::listening_process(port);
  REQUIRE_FALSE(nobody);
  CHECK(nobody.error().find("nothing listens") != std::string::npos);
}
