#pragma once

// The leveled error log: rare, human-readable lines on stderr. Any thread. Never a secret in it.

#include <atomic>
#include <cstdint>
#include <fmt/format.h>
#include <string_view>
#include <utility>

namespace base {

enum class LogLevel : unsigned char { debug, info, warning, error };

// What set_log_level() sets, and nothing else. Here so that a line that is not wanted costs its
// caller one load and one branch.
inline std::atomic<LogLevel> current_log_level{LogLevel::info};

// Lines below `level` are dropped from now on. Any thread.
void set_log_level(LogLevel level);
[[nodiscard]] inline bool log_enabled(LogLevel level) {
  return level >= current_log_level.load(std::memory_order_relaxed);
}

// Writes one line, with time and level, to stderr in one write(2). Control bytes in `line` are
// escaped, so that what a peer sent cannot forge lines.
void log_line(LogLevel level, std::string_view line);

// Whether to log what may come a thousand times a second: true once a minute, in one thread.
[[nodiscard]] bool is_due_to_log(std::atomic<uint64_t>& again_s, uint64_t now_ms);

// `args` are formatted only where the line is written: pass what there is, not text made for it.
template <class... Args>
void log(LogLevel level, fmt::format_string<Args...> format, Args&&... args) {
  if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void log_debug(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_info(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_warning(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::warning, format, std::forward<Args>(args)...);
}
template <class... Args>
void log_error(fmt::format_string<Args...> format, Args&&... args) {
  log(LogLevel::error, format, std::forward<Args>(args)...);
}

}  // namespace base
