#include "base/file_mode.h"

#include <sys/stat.h>

#include "base/log.h"

namespace base {
namespace {

bool is_allowed_to_anybody(const std::string& path, mode_t what) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & what) != 0;
}

}  // namespace

void warn_if_anybody_may_write(const std::string& path, std::string_view danger) {
  if (!is_allowed_to_anybody(path, S_IWOTH)) return;
  log_warning(
      "{} can be changed by anybody on this machine, who could {}: chmod o-w it", path, danger);
}

void warn_if_anybody_may_read(const std::string& path) {
  if (!is_allowed_to_anybody(path, S_IROTH)) return;
  log_warning("{} holds a secret that anybody on this machine can read: chmod o-r it", path);
}

}  // namespace base
