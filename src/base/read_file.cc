#include "base/read_file.h"

#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace base {
namespace {

// Of a pipe: until somebody writes to it, and between two pieces.
constexpr int writer_wait_ms = 1'000;
constexpr int piece_wait_ms = 10'000;

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_pipe() const {
    struct stat found {};
    return ::fstat(fd_, &found) == 0 && S_ISFIFO(found.st_mode);
  }
  [[nodiscard]] bool is_ready_within(int wait_ms) const {
    pollfd wait{.fd = fd_, .events = POLLIN, .revents = 0};
    return ::poll(&wait, 1, wait_ms) > 0;
  }

 private:
  int fd_;
};

}  // namespace

Result<std::string, int> read_file(const std::string& path, size_t bytes_max) {
  const Descriptor file(path);
  if (file.get() < 0) return errno;
  const bool is_pipe = file.is_pipe();
  std::string text;
  std::array<char, 64 * 1024> block;  // not cleared: most files are far smaller
  while (true) {
    const ssize_t got = ::read(file.get(), block.data(), block.size());
    if (got == 0) {
      // Until its first writer a pipe has no end either. Nothing is waited for without end: who
      // reads may be who hears signals.
      if (!is_pipe || !text.empty() || file.is_ready_within(0)) return text;
      if (!file.is_ready_within(writer_wait_ms)) return ENODATA;
    } else if (got > 0) {
      text.append(block.data(), static_cast<size_t>(got));
      if (text.size() > bytes_max) return EFBIG;
    } else if (errno == EAGAIN) {
      if (!file.is_ready_within(piece_wait_ms)) return ENODATA;
    } else if (errno != EINTR) {
      return errno;
    }
  }
}

}  // namespace base
