#include "base/file_stamp.h"

#include <ctime>
#include <sys/stat.h>

namespace base {
namespace {

constexpr int64_t second_ns = 1'000'000'000;
constexpr int64_t step_ns_max = 2 * second_ns;

int64_t ns_of(const timespec& time) {
  return static_cast<int64_t>(time.tv_sec) * second_ns + time.tv_nsec;
}

}  // namespace

FileStamp stamp_of(const std::string& path) {
  struct stat file {};
  if (::stat(path.c_str(), &file) != 0) return {};
  return {.device = file.st_dev,
          .inode = file.st_ino,
          .size = static_cast<uint64_t>(file.st_size),
          .changed_ns = ns_of(file.st_ctim)};
}

bool is_settled(const FileStamp& stamp, int64_t now_ns) {
  return now_ns - stamp.changed_ns > step_ns_max;
}

uint64_t FileVersions::current() {
  const FileStamp stamp = stamp_of(path_);
  if (!was_settled_ || seen_ != stamp) {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    was_settled_ = is_settled(stamp, ns_of(now));
    seen_ = stamp;
    ++version_;
  }
  return version_;
}

}  // namespace base
