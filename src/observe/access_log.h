#pragma once

// One line per exchange, written by a thread of its own so that a slow disk never stops a loop.

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "observe/summary.h"

namespace observe {

enum class LogFormat : uint8_t { json, text };

// Resource, one per process, shared by the workers; outlives them. Any thread.
class AccessLog {
 public:
  // What waits for the disk at most; lines beyond are dropped and counted.
  static constexpr size_t waiting_bytes_max = 1024 * 1024;

  AccessLog() = default;
  ~AccessLog();  // writes what waits, then ends the thread
  AccessLog(const AccessLog&) = delete;
  AccessLog& operator=(const AccessLog&) = delete;
  AccessLog(AccessLog&&) = delete;
  AccessLog& operator=(AccessLog&&) = delete;

  // Lines go to `target` from now on: "stdout", "off" or a file, created with mode 0640. The text
  // says what is wrong with it; the former target then stays.
  [[nodiscard]] base::Result<std::monostate, std::string> open(const std::string& target,
                                                               LogFormat format);

  // Opens the same file anew: it was moved away (SIGUSR1). A failure is logged, and the old one
  // written on.
  void reopen();

  // Puts one line in the queue. Never blocks on the disk.
  void write(const Summary& summary);

  [[nodiscard]] bool enabled() const { return enabled_.load(std::memory_order_relaxed); }
  // Lines lost because the disk was too slow or full.
  [[nodiscard]] uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  void run();
  void write_out(std::string& lines);
  [[nodiscard]] bool wait_until_writable();
  void lose(std::string_view lines, std::string_view rest, int why);
  [[nodiscard]] base::Result<int, std::string> open_target(const std::string& target) const;

  std::atomic<bool> enabled_{false};
  std::atomic<LogFormat> format_{LogFormat::json};
  std::atomic<uint64_t> dropped_{0};

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string waiting_;
  bool stopping_ = false;
  std::thread writer_;

  std::mutex file_mutex_;  // of what follows; never taken by write()
  int fd_ = -1;
  size_t bytes_per_write_ = 0;
  std::string target_;
  uint64_t complaint_due_s_ = 0;
  bool is_torn_ = false;  // half a line stands at the file's end
};

// The line without its newline: format and field names are documented in the README.
void append_line(std::string& out, const Summary& summary, LogFormat format, uint64_t unix_time_ms);

}  // namespace observe
