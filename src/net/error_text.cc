#include "net/error_text.h"

#include <array>

#include <uv.h>

namespace net {

std::string error_text(int uv_code) {
  std::array<char, 128> text{};
  return uv_strerror_r(uv_code, text.data(), text.size());
}

std::string name_error_text(int uv_code) {
  switch (uv_code) {
    case UV_EAI_AGAIN:
      return "no name server answered; look at /etc/resolv.conf and the network";
    case UV_EAI_NONAME:
      return "there is no such name; check how it is written";
    case UV_EAI_NODATA:
      return "the name has no address";
    case UV_EAI_FAIL:
      return "the name server answered that it cannot tell";
    case UV_EAI_BADHINTS:
      return "this is no name";
    default:
      return error_text(uv_code);
  }
}

}  // namespace net
