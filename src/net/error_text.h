#pragma once

// libuv's words for its error codes, for logs.

#include <string>

namespace net {

// "connection refused" for UV_ECONNREFUSED and so on. Any thread.
[[nodiscard]] std::string error_text(int uv_code);

}  // namespace net
