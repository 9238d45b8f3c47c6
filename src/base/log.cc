#include "base/log.h"

#include <ctime>
#include <mutex>
#include <unistd.h>

#include "base/standard_streams.h"
#include "base/time_text.h"

namespace base {
namespace {

constexpr uint64_t log_interval_s = 60;

constexpr std::string_view level_name(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warning:
      return "warning";
    case LogLevel::error:
      return "error";
  }
  return "?";
}

}  // namespace

void set_log_level(LogLevel level) {
  current_log_level.store(level, std::memory_order_relaxed);
}

bool is_due_to_log(std::atomic<uint64_t>& again_s, uint64_t now_ms) {
  const uint64_t now_s = now_ms / 1000;
  uint64_t due_s = again_s.load(std::memory_order_relaxed);
  return now_s >= due_s && again_s.compare_exchange_strong(due_s, now_s + log_interval_s);
}

void log_line(LogLevel level, std::string_view line) {
  std::string text;
  append_time(text, unix_now_ms());
  fmt::format_to(std::back_inserter(text), " {:7} ", level_name(level));
  for (const char c : line) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(text), "\\x{:02x}", byte);
    } else {
      text.push_back(c);
    }
  }
  text.push_back('\n');
  // A stderr that is full, closed or read by nobody must not stop the proxy: the line is lost,
  // nothing else.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  write_without_waiting(STDERR_FILENO, text);
}

}  // namespace base
