#pragma once

// The PROXY protocol, versions 1 and 2: what a front server says about a connection before its
// first byte. No sockets: bytes in, an address out.
// https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "net/address.h"

namespace net {

// Value, one per connection. Strict: what the specification does not allow is invalid.
class ProxyHeaderParser {
 public:
  enum class Status : uint8_t {
    more,     // all of it is used up
    done,     // client() is valid; what follows is the connection's
    invalid,  // see why(); no more to be had
  };
  struct Taken {
    Status status;
    size_t bytes;  // of the input, none of them beyond the header
  };
  [[nodiscard]] Taken take(base::Bytes input);

  // After `done`: who connected to the front; "none" where it does not say (LOCAL, UNKNOWN, a
  // unix socket): then it is the front itself.
  [[nodiscard]] const Address& client() const { return client_; }
  // After `invalid`: for the log. Static.
  [[nodiscard]] std::string_view why() const { return why_; }

 private:
  static constexpr size_t text_bytes_max = 107;  // version 1, with its CRLF
  static constexpr size_t binary_head_bytes = 16;

  Status take_byte(uint8_t byte);
  Status take_text_byte();
  Status take_binary_byte();
  Status read_text();
  Status read_binary_head();
  Status read_binary();
  Status fail(std::string_view why);

  std::array<char, text_bytes_max> buffer_{};  // its begin; of version 2 addresses fit in
  size_t size_ = 0;                            // seen, stored or not
  size_t binary_bytes_ = 0;                    // version 2's whole length
  Address client_;
  std::string_view why_;
};

}  // namespace net
