#include "base/read_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

namespace base {
namespace {

// Of a pipe: until somebody writes to it, and between two pieces.
constexpr int writer_wait_ms = 1'000;
constexpr int piece_wait_ms = 10'000;

bool is_pipe(const Fd& file) {
  struct stat found {};
  return ::fstat(file.get(), &found) == 0 && S_ISFIFO(found.st_mode);
}

bool is_ready_within(const Fd& file, int wait_ms) {
  pollfd wait{.fd = file.get(), .events = POLLIN, .revents = 0};
  return ::poll(&wait, 1, wait_ms) > 0;
}

}  // namespace

Result<std::string, int> read_file(const std::string& path, size_t bytes_max) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return errno;
  const bool may_have_no_end_yet = is_pipe(file);
  std::string text;
  std::array<char, 64 * 1024> block;  // not cleared: most files are far smaller
  while (true) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got == 0) {
      // Until its first writer a pipe has no end either. Nothing is waited for without end: who
      // reads may be who hears signals.
      if (!may_have_no_end_yet || !text.empty() || is_ready_within(file, 0)) return text;
      if (!is_ready_within(file, writer_wait_ms)) return ENODATA;
    } else if (got > 0) {
      text.append(block.data(), static_cast<size_t>(got));
      if (text.size() > bytes_max) return EFBIG;
    } else if (errno == EAGAIN) {
      if (!is_ready_within(file, piece_wait_ms)) return ENODATA;
    } else if (errno != EINTR) {
      return errno;
    }
  }
}

}  // namespace base
