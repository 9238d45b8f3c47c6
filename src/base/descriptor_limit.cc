#include "base/descriptor_limit.h"

#include <sys/resource.h>
#include <utility>

namespace base {

uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;  // what most systems begin with
  const rlim_t before = std::exchange(limit.rlim_cur, limit.rlim_max);
  if (before < limit.rlim_max && setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

}  // namespace base
