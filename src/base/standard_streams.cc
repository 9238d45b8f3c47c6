#include "base/standard_streams.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace base {

void open_standard_streams() {
  for (const int wanted : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(wanted, F_GETFD) >= 0) continue;
    // The lowest that is free, so this one. Without a /dev, say in a chroot, the root folder keeps
    // its place: nothing can be written there either.
    if (::open("/dev/null", O_RDWR) < 0) static_cast<void>(::open("/", O_RDONLY | O_DIRECTORY));
  }
}

void print_text(std::FILE* file, std::string_view text) {
  static_cast<void>(std::fwrite(text.data(), 1, text.size(), file));
}

int end_output(int status) {
  const bool is_lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (!is_lost) return status;
  if (errno != EPIPE) print(stderr, "cannot write to standard output: {}\n", std::strerror(errno));
  return status == 0 ? 1 : status;
}

bool write_without_waiting(int descriptor, std::string_view text) {
  while (!text.empty()) {
    pollfd writable{.fd = descriptor, .events = POLLOUT, .revents = 0};
    if (::poll(&writable, 1, 0) != 1) return false;
    // That much goes into a pipe that has room for anything.
    const ssize_t written =
        ::write(descriptor, text.data(), std::min<size_t>(text.size(), PIPE_BUF));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace base
