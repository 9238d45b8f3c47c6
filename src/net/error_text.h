#pragma once

// Words for libuv's error codes, for logs.

#include <string>

namespace net {

// "connection refused" for UV_ECONNREFUSED and so on. Any thread.
[[nodiscard]] std::string error_text(int uv_code);

// Why a name could not be looked up, and what to do. `uv_code` is a UV_EAI_ one. Any thread.
[[nodiscard]] std::string name_error_text(int uv_code);

}  // namespace net
