#include "base/error.h"

namespace base {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::closed:
      return "closed";
    case Code::reset:
      return "reset";
    case Code::timeout:
      return "timeout";
    case Code::unreachable:
      return "unreachable";
    case Code::dns:
      return "dns";
    case Code::connect:
      return "connect";
    case Code::tls:
      return "tls";
    case Code::certificate:
      return "certificate";
    case Code::parse:
      return "parse";
    case Code::protocol:
      return "protocol";
    case Code::too_large:
      return "too_large";
    case Code::loop:
      return "loop";
    case Code::refused:
      return "refused";
    case Code::io:
      return "io";
  }
  return "unknown";
}

}  // namespace base
