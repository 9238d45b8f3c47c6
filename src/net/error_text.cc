#include "net/error_text.h"

#include <array>

#include <uv.h>

namespace net {

std::string error_text(int uv_code) {
  std::array<char, 128> text{};
  return uv_strerror_r(uv_code, text.data(), text.size());
}

}  // namespace net
