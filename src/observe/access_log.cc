#include "observe/access_log.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/format.h>
#include <iterator>
#include <limits>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/json_text.h"
#include "base/log.h"
#include "base/money.h"
#include "base/time_text.h"

namespace observe {
namespace {

// Lines are collected this long before they go out together: one write for many.
constexpr std::chrono::milliseconds gather_time{20};
constexpr uint64_t complaint_interval_s = 60;

// How long to wait for who reads a pipe before looking whether all is to end.
constexpr int reader_wait_ms = 100;

// More might have to wait in the middle of it.
size_t bytes_at_once(int fd) {
  struct stat file {};
  const bool is_file = ::fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
  return is_file ? std::numeric_limits<size_t>::max() : PIPE_BUF;
}

// For intervals: a wall clock set back must not silence us.
uint64_t steady_now_s() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec);
}

// Builds one line in either format from name and value pairs.
class Line {
 public:
  Line(std::string& out, LogFormat format) : out_(out), format_(format) {}

  void time(uint64_t unix_time_ms) {
    start("time");
    quote();
    base::append_time(out_, unix_time_ms);
    quote();
  }
  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    start(name);
    out_.push_back('"');
    base::append_json_escaped(out_, value, base::NonAscii::escaped);
    out_.push_back('"');
  }
  void number(std::string_view name, uint64_t value) {
    start(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }
  void truth(std::string_view name, bool value) {
    start(name);
    out_ += value ? "true" : "false";
  }
  void end() {
    if (format_ == LogFormat::json) out_.push_back('}');
  }

 private:
  void quote() {
    if (format_ == LogFormat::json) out_.push_back('"');
  }
  void start(std::string_view name) {
    const bool json = format_ == LogFormat::json;
    if (first_) {
      if (json) out_.push_back('{');
    } else {
      out_.push_back(json ? ',' : ' ');
    }
    first_ = false;
    quote();
    out_ += name;
    quote();
    out_.push_back(json ? ':' : '=');
  }

  std::string& out_;
  LogFormat format_;
  bool first_ = true;
};

// Only of answers that somebody answers for.
void append_usage(Line& line, const Summary& summary) {
  const Tokens& tokens = summary.tokens;
  if (summary.model.empty() && tokens.input == 0 && tokens.output == 0) return;
  line.text("model", summary.model);
  line.number("tokens_in", static_cast<uint64_t>(tokens.input));
  if (tokens.cached > 0) line.number("tokens_cached", static_cast<uint64_t>(tokens.cached));
  if (tokens.cache_written > 0) {
    line.number("tokens_cache_written", static_cast<uint64_t>(tokens.cache_written));
  }
  line.number("tokens_out", static_cast<uint64_t>(tokens.output));
  if (tokens.reasoning > 0) {
    line.number("tokens_reasoning", static_cast<uint64_t>(tokens.reasoning));
  }
  line.truth("estimated", !summary.is_metered);
  if (summary.is_unpriced) {
    line.truth("unpriced", true);
  } else {
    line.text("cost", base::print_dollars(summary.nano_dollars));
  }
}

}  // namespace

std::string_view outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::complete:
      return "complete";
    case Outcome::local:
      return "local";
    case Outcome::client_left:
      return "client_left";
    case Outcome::upstream_failed:
      return "upstream_failed";
    case Outcome::timeout:
      return "timeout";
    case Outcome::cut:
      return "cut";
  }
  return "unknown";
}

void append_line(std::string& out,
                 const Summary& summary,
                 LogFormat format,
                 uint64_t unix_time_ms) {
  Line line(out, format);
  line.time(unix_time_ms);
  line.text("client", summary.client_address);
  line.text("method", summary.method);
  line.text("path", summary.path);
  line.number("status", summary.status);
  line.number("bytes_up", summary.bytes_up);
  line.number("bytes_down", summary.bytes_down);
  if (summary.first_byte_ms != 0) {
    line.number("first_byte_ms", summary.first_byte_ms - summary.started_ms);
  }
  line.number("total_ms", summary.ended_ms - summary.started_ms);
  line.text("client_name", summary.client);
  line.text("upstream", summary.upstream);
  line.text("key", summary.key);
  append_usage(line, summary);
  if (summary.attempts > 0) {
    line.number("attempts", summary.attempts);
    line.truth("reused", summary.reused);
  }
  line.text("outcome", outcome_name(summary.outcome));
  line.text("error", summary.error_code);
  line.text("request_id", summary.request_id);
  line.end();
}

AccessLog::~AccessLog() {
  if (writer_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    writer_.join();
  }
  if (fd_ > STDERR_FILENO) ::close(fd_);
}

base::Result<int, std::string> AccessLog::open_target(const std::string& target) const {
  if (target == "off") return -1;
  if (target == "stdout") return STDOUT_FILENO;
  const int fd = ::open(target.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
  if (fd < 0) {
    return fmt::format(
        "cannot open the access log {}: {}; make its directory writable for this "
        "user or set log.access to another file, `stdout` or `off`",
        target,
        std::strerror(errno));
  }
  return fd;
}

base::Result<std::monostate, std::string> AccessLog::open(const std::string& target,
                                                          LogFormat format) {
  const base::Result<int, std::string> opened = open_target(target);
  if (!opened) return opened.error();
  {
    const std::lock_guard lock(file_mutex_);
    if (fd_ > STDERR_FILENO) ::close(fd_);
    fd_ = *opened;
    bytes_per_write_ = bytes_at_once(fd_);
    target_ = target;
    is_torn_ = false;
  }
  format_.store(format, std::memory_order_relaxed);
  enabled_.store(*opened >= 0, std::memory_order_relaxed);
  if (*opened >= 0 && !writer_.joinable()) writer_ = std::thread([this] { run(); });
  return std::monostate{};
}

void AccessLog::reopen() {
  const std::lock_guard lock(file_mutex_);
  if (fd_ <= STDERR_FILENO) return;
  const base::Result<int, std::string> opened = open_target(target_);
  if (!opened) {
    base::log_error("{}; still writing to the old file", opened.error());
    return;
  }
  ::close(std::exchange(fd_, *opened));
  bytes_per_write_ = bytes_at_once(fd_);
  is_torn_ = false;
}

void AccessLog::write(const Summary& summary) {
  if (!enabled()) return;
  // Made before the lock is taken, so that no worker waits for another's formatting; each keeps the
  // room its lines need.
  thread_local std::string line;
  line.clear();
  append_line(line, summary, format_.load(std::memory_order_relaxed), base::unix_now_ms());
  line.push_back('\n');
  bool was_empty = false;
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= waiting_bytes_max) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    was_empty = waiting_.empty();
    waiting_ += line;
  }
  if (was_empty) wake_.notify_one();
}

void AccessLog::run() {
  std::string lines;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (!stopping_) {
      wake_.wait_for(lock, gather_time, [this] { return stopping_; });
    }
    if (waiting_.empty() && stopping_) return;
    std::swap(lines, waiting_);
    lock.unlock();
    write_out(lines);
    lines.clear();
    lock.lock();
  }
}

// A pipe that nobody reads holds up neither who reopens the log nor the process's end.
bool AccessLog::wait_until_writable() {
  pollfd writable{.fd = -1, .events = POLLOUT, .revents = 0};
  while (true) {
    {
      const std::lock_guard lock(file_mutex_);
      writable.fd = fd_;
    }
    if (writable.fd < 0 || ::poll(&writable, 1, reader_wait_ms) != 0) return true;
    const std::lock_guard lock(mutex_);
    if (stopping_) return false;
  }
}

void AccessLog::write_out(std::string& lines) {
  {
    const std::lock_guard lock(file_mutex_);
    if (is_torn_) lines.insert(lines.begin(), '\n');
  }
  std::string_view rest = lines;
  while (!rest.empty()) {
    const bool is_writable = wait_until_writable();
    const std::lock_guard lock(file_mutex_);
    if (fd_ < 0) return;
    if (!is_writable) {
      lose(lines, rest, EAGAIN);
      return;
    }
    const ssize_t written = ::write(fd_, rest.data(), std::min(rest.size(), bytes_per_write_));
    if (written > 0) {
      rest.remove_prefix(static_cast<size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    lose(lines, rest, errno);
    return;
  }
  const std::lock_guard lock(file_mutex_);
  is_torn_ = false;
}

// `rest` of the lines did not go out.
void AccessLog::lose(std::string_view lines, std::string_view rest, int why) {
  const bool is_end_of_torn_lost = is_torn_ && rest.size() == lines.size();
  const auto lost = static_cast<uint64_t>(std::count(rest.begin(), rest.end(), '\n'));
  dropped_.fetch_add(lost - (is_end_of_torn_lost ? 1 : 0), std::memory_order_relaxed);
  if (rest.size() < lines.size()) is_torn_ = lines[lines.size() - rest.size() - 1] != '\n';
  const uint64_t now_s = steady_now_s();
  if (now_s < complaint_due_s_) return;
  complaint_due_s_ = now_s + complaint_interval_s;
  base::log_error("access log {}: {}; {} lines lost so far, requests go on",
                  target_,
                  std::strerror(why),
                  dropped());
}

}  // namespace observe
