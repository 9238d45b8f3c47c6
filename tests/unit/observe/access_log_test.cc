// A disk that is full or slow: requests go on, lines lost are counted, what is written stays whole.
#include "observe/access_log.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

#include "support/files.h"

namespace {

using observe::AccessLog;
using observe::LogFormat;

observe::Summary summary_of(std::string_view path) {
  observe::Summary summary;
  summary.client_address = "192.0.2.1";
  summary.method = "GET";
  summary.path = path;
  summary.status = 200;
  return summary;
}

template <class Predicate>
void eventually(Predicate predicate) {
  for (int i = 0; i < 5000 && !predicate(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  REQUIRE(predicate());
}

// For its lifetime no file of this process may grow beyond `bytes`: a disk that fills up.
class SmallDisk {
 public:
  explicit SmallDisk(rlim_t bytes) {
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
    rlimit lower = before_;
    lower.rlim_cur = bytes;
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &lower) == 0);
  }
  ~SmallDisk() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;
  SmallDisk(SmallDisk&&) = delete;
  SmallDisk& operator=(SmallDisk&&) = delete;

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

}  // namespace

TEST_CASE("a full disk loses lines, which are counted, and nothing else; another file works") {
  const test::TemporaryFolder folder;
  AccessLog log;
  REQUIRE(log.open("/dev/full", LogFormat::text));
  for (int i = 0; i < 10; ++i)
    log.write(summary_of("/lost"));
  eventually([&] { return log.dropped() == 10; });
  REQUIRE(log.open(folder / "access.log", LogFormat::text));
  log.write(summary_of("/kept"));
  eventually([&] { return test::read_file(folder / "access.log").ends_with('\n'); });
  CHECK(test::read_file(folder / "access.log").find("path=\"/kept\"") != std::string::npos);
  CHECK(log.dropped() == 10);
}

TEST_CASE("a disk that fills up in the middle of a line: the next ones are whole again") {
  const test::TemporaryFolder folder;
  const std::string path = folder / "access.log";
  AccessLog log;
  REQUIRE(log.open(path, LogFormat::json));
  log.write(summary_of("/first"));
  eventually([&] { return test::read_file(path).ends_with('\n'); });
  const std::string first = test::read_file(path);
  {
    const SmallDisk disk(first.size() + 20);
    log.write(summary_of("/torn"));
    eventually([&] { return log.dropped() == 1; });
    log.write(summary_of("/lost"));
    eventually([&] { return log.dropped() == 2; });
  }
  log.write(summary_of("/whole"));
  eventually([&] {
    return test::read_file(path).ends_with("}\n") && test::read_file(path).size() > first.size();
  });
  const std::string all = test::read_file(path);
  CHECK(all.starts_with(first));
  CHECK(all.substr(first.size() + 20, 2) == "\n{");
  CHECK(all.find("/whole") != std::string::npos);
  CHECK(all.find("/lost") == std::string::npos);
  CHECK(log.dropped() == 2);
}

TEST_CASE("a reader that has stopped: the queue is bounded, lines beyond are counted") {
  const test::TemporaryFolder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  std::ifstream reader;
  std::thread opener([&] { reader.open(pipe); });  // opening a pipe takes two
  auto log = std::make_unique<AccessLog>();
  REQUIRE(log->open(pipe, LogFormat::text));
  opener.join();
  const std::string path(1000, 'p');
  uint64_t written = 0;
  while (log->dropped() == 0 && written < 100'000) {
    log->write(summary_of(path));
    ++written;
  }
  const uint64_t dropped = log->dropped();
  CHECK(dropped > 0);
  // The queue, what the writer has taken out of it, and the pipe.
  CHECK(written < 4 * AccessLog::waiting_bytes_max / path.size());
  std::string all;
  std::thread drain([&] { all.assign(std::istreambuf_iterator<char>(reader), {}); });
  log.reset();  // writes what waits
  drain.join();
  CHECK(static_cast<uint64_t>(std::count(all.begin(), all.end(), '\n')) + dropped == written);
}

TEST_CASE("a file that cannot be opened leaves the former one") {
  const test::TemporaryFolder folder;
  AccessLog log;
  REQUIRE(log.open(folder / "access.log", LogFormat::text));
  const auto refused = log.open(folder / "missing/access.log", LogFormat::json);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().find("make its directory writable") != std::string::npos);
  log.write(summary_of("/still"));
  eventually([&] { return test::read_file(folder / "access.log").ends_with('\n'); });
  CHECK(test::read_file(folder / "access.log").starts_with("time=2"));
}
