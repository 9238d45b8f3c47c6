// A disk that is full or slow: requests go on, lines lost are counted, what is written stays whole.
#include "observe/access_log.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include <doctest/doctest.h>

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

std::string content(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

template <class Predicate>
void eventually(Predicate predicate) {
  for (int i = 0; i < 5000 && !predicate(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  REQUIRE(predicate());
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "log_test_XXXXXX").string();
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&&) = delete;
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

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
  const TemporaryFolder folder;
  AccessLog log;
  REQUIRE(log.open("/dev/full", LogFormat::text));
  for (int i = 0; i < 10; ++i)
    log.write(summary_of("/lost"));
  eventually([&] { return log.dropped() == 10; });
  REQUIRE(log.open(folder.file("access.log"), LogFormat::text));
  log.write(summary_of("/kept"));
  eventually([&] { return content(folder.file("access.log")).ends_with('\n'); });
  CHECK(content(folder.file("access.log")).find("path=\"/kept\"") != std::string::npos);
  CHECK(log.dropped() == 10);
}

TEST_CASE("a disk that fills up in the middle of a line: the next ones are whole again") {
  const TemporaryFolder folder;
  const std::string path = folder.file("access.log");
  AccessLog log;
  REQUIRE(log.open(path, LogFormat::json));
  log.write(summary_of("/first"));
  eventually([&] { return content(path).ends_with('\n'); });
  const std::string first = content(path);
  {
    const SmallDisk disk(first.size() + 20);
    log.write(summary_of("/torn"));
    eventually([&] { return log.dropped() == 1; });
    log.write(summary_of("/lost"));
    eventually([&] { return log.dropped() == 2; });
  }
  log.write(summary_of("/whole"));
  eventually([&] { return content(path).ends_with("}\n") && content(path).size() > first.size(); });
  const std::string all = content(path);
  CHECK(all.starts_with(first));
  CHECK(all.substr(first.size() + 20, 2) == "\n{");
  CHECK(all.find("/whole") != std::string::npos);
  CHECK(all.find("/lost") == std::string::npos);
  CHECK(log.dropped() == 2);
}

TEST_CASE("a reader that has stopped: the queue is bounded, lines beyond are counted") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
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
  const TemporaryFolder folder;
  AccessLog log;
  REQUIRE(log.open(folder.file("access.log"), LogFormat::text));
  const auto refused = log.open(folder.file("missing/access.log"), LogFormat::json);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().find("make its directory writable") != std::string::npos);
  log.write(summary_of("/still"));
  eventually([&] { return content(folder.file("access.log")).ends_with('\n'); });
  CHECK(content(folder.file("access.log")).starts_with("time=2"));
}
