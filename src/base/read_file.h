#pragma once

// Small files read whole: configuration, certificates, secrets.

#include <cstddef>
#include <string>

#include "base/result.h"

namespace base {

// All bytes of the file at `path`. The error is an errno: EFBIG where there are more than
// `bytes_max`, ENODATA where it is a pipe to which nobody writes within a second (or goes on within
// ten). Blocks: any thread, but a loop's only before it runs.
[[nodiscard]] Result<std::string, int> read_file(const std::string& path, size_t bytes_max);

}  // namespace base
