#include "stream/http_stream.h"

namespace stream {

Body Body::of(http::Framing framing) {
  switch (framing.kind) {
    case http::Framing::Kind::none:
      return {};
    case http::Framing::Kind::length:
      return {Kind::length, framing.length};
    case http::Framing::Kind::chunked:
    case http::Framing::Kind::until_close:
      return {Kind::unknown, 0};
    case http::Framing::Kind::tunnel:
      return {Kind::tunnel, 0};
  }
  return {};
}

}  // namespace stream
