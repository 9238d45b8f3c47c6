// PROXY protocol headers: the same whole and byte by byte, never a byte beyond the header.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/proxy_header.h"

namespace {

using Status = net::ProxyHeaderParser::Status;

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  net::ProxyHeaderParser parser;
  const auto taken = parser.take(base::as_bytes(text));
  require(taken.bytes <= size);
  require((taken.status == Status::invalid) == !parser.why().empty());
  if (taken.status == Status::more) require(taken.bytes == size);

  net::ProxyHeaderParser bytewise;
  Status status = Status::more;
  size_t used = 0;
  while (status == Status::more && used < size) {
    const auto one = bytewise.take(base::as_bytes(text.substr(used, 1)));
    status = one.status;
    used += one.bytes;
  }
  require(status == taken.status && used == taken.bytes);
  require(bytewise.client().text() == parser.client().text());

  if (taken.status != Status::done) return 0;
  // The header alone says the same.
  net::ProxyHeaderParser again;
  const auto alone = again.take(base::as_bytes(text.substr(0, taken.bytes)));
  require(alone.status == Status::done && alone.bytes == taken.bytes);
  require(again.client().text() == parser.client().text());
  if (text[0] == 'P') require(taken.bytes <= 107 && text.substr(taken.bytes - 2, 2) == "\r\n");
  return 0;
}
