#include "net/proxy_header.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>
#include <optional>

#include "base/parse_number.h"

namespace net {
namespace {

constexpr std::string_view text_begin = "PROXY ";
constexpr std::string_view signature("\r\n\r\n\0\r\nQUIT\n", 12);
constexpr size_t ipv4_bytes = 12;  // two addresses, two ports
constexpr size_t ipv6_bytes = 36;
constexpr size_t unix_bytes = 216;

// The next word of `line`, without the one space that ends it; nothing where there is none.
std::optional<std::string_view> next_word(std::string_view& line) {
  const size_t space = line.find(' ');
  const std::string_view word = line.substr(0, space);
  if (word.empty()) return std::nullopt;
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  if (space != std::string_view::npos && line.empty()) return std::nullopt;
  return word;
}

std::optional<uint16_t> parse_port(std::string_view text) {
  if (text.size() > 1 && text.front() == '0') return std::nullopt;
  return base::parse_number<uint16_t>(text);
}

// Of `family` only, without zone.
std::optional<Address> parse_address(std::string_view text, int family, uint16_t port) {
  if (text.find('%') != std::string_view::npos) return std::nullopt;
  const std::optional<Address> address = Address::parse(text, port);
  if (!address || address->family() != family) return std::nullopt;
  return address->unmapped();
}

}  // namespace

ProxyHeaderParser::Status ProxyHeaderParser::fail(std::string_view why) {
  why_ = why;
  return Status::invalid;
}

ProxyHeaderParser::Taken ProxyHeaderParser::take(base::Bytes input) {
  size_t taken = 0;
  Status status = why_.empty() ? Status::more : Status::invalid;
  while (status == Status::more && taken < input.size())
    status = take_byte(static_cast<uint8_t>(input[taken++]));
  return {status, taken};
}

ProxyHeaderParser::Status ProxyHeaderParser::take_byte(uint8_t byte) {
  if (size_ < buffer_.size()) buffer_[size_] = static_cast<char>(byte);
  ++size_;
  if (buffer_[0] == text_begin[0]) return take_text_byte();
  if (buffer_[0] == signature[0]) return take_binary_byte();
  return fail("it does not begin with a PROXY protocol header");
}

ProxyHeaderParser::Status ProxyHeaderParser::take_text_byte() {
  const char byte = buffer_[size_ - 1];
  if (size_ <= text_begin.size()) {
    if (byte == text_begin[size_ - 1]) return Status::more;
    return fail("it does not begin with a PROXY protocol header");
  }
  const bool after_return = buffer_[size_ - 2] == '\r';
  if (after_return != (byte == '\n')) return fail("its line does not end in CRLF");
  if (byte == '\n') return read_text();
  if (size_ == text_bytes_max) return fail("its line is longer than 107 bytes");
  return Status::more;
}

ProxyHeaderParser::Status ProxyHeaderParser::read_text() {
  std::string_view line(buffer_.data(), size_ - 2);
  line.remove_prefix(text_begin.size());
  const std::optional<std::string_view> protocol = next_word(line);
  if (protocol == "UNKNOWN") return Status::done;  // whatever follows
  if (protocol != "TCP4" && protocol != "TCP6") return fail("its protocol is not known");
  const int family = *protocol == "TCP4" ? AF_INET : AF_INET6;
  const auto source = next_word(line);
  const auto destination = next_word(line);
  const auto source_port = next_word(line);
  const auto destination_port = next_word(line);
  if (!source || !destination || !source_port || !destination_port || !line.empty()) {
    return fail("it has not four words behind its protocol");
  }
  const auto port = parse_port(*source_port);
  if (!port || !parse_port(*destination_port)) return fail("a port in it is none");
  const auto client = parse_address(*source, family, *port);
  if (!client || !parse_address(*destination, family, 0)) return fail("an address in it is none");
  client_ = *client;
  return Status::done;
}

ProxyHeaderParser::Status ProxyHeaderParser::take_binary_byte() {
  if (size_ <= signature.size()) {
    if (buffer_[size_ - 1] == signature[size_ - 1]) return Status::more;
    return fail("it does not begin with a PROXY protocol header");
  }
  if (size_ < binary_head_bytes) return Status::more;
  if (size_ == binary_head_bytes) {
    const Status status = read_binary_head();
    if (status != Status::more) return status;
  }
  // What stands behind the addresses (TLVs) is of no use to us.
  return size_ == binary_bytes_ ? read_binary() : Status::more;
}

ProxyHeaderParser::Status ProxyHeaderParser::read_binary_head() {
  const auto command = static_cast<uint8_t>(buffer_[12]);
  const auto family = static_cast<uint8_t>(buffer_[13]);
  const auto high = static_cast<uint8_t>(buffer_[14]);
  const auto low = static_cast<uint8_t>(buffer_[15]);
  const size_t length = static_cast<size_t>(high) << 8 | low;
  if (command != 0x20 && command != 0x21) return fail("its version or command is not known");
  if (command == 0x21) {
    size_t length_min = 0;
    switch (family) {
      case 0x00:  // unspecified
        break;
      case 0x11:
        length_min = ipv4_bytes;
        break;
      case 0x21:
        length_min = ipv6_bytes;
        break;
      case 0x31:
        length_min = unix_bytes;
        break;
      default:
        return fail("its address family or transport is not a stream's");
    }
    if (length < length_min) return fail("it is too short for its addresses");
  }
  binary_bytes_ = binary_head_bytes + length;
  return Status::more;
}

ProxyHeaderParser::Status ProxyHeaderParser::read_binary() {
  if (buffer_[12] == 0x20) return Status::done;  // LOCAL: the front's own, such as a health check
  const char* addresses = buffer_.data() + binary_head_bytes;
  if (buffer_[13] == 0x11) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    std::memcpy(&address.sin_addr, addresses, 4);
    std::memcpy(&address.sin_port, addresses + 8, 2);
    client_ = Address::from_system(reinterpret_cast<const sockaddr*>(&address));
  } else if (buffer_[13] == 0x21) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::memcpy(&address.sin6_addr, addresses, 16);
    std::memcpy(&address.sin6_port, addresses + 32, 2);
    client_ = Address::from_system(reinterpret_cast<const sockaddr*>(&address)).unmapped();
  }
  return Status::done;
}

}  // namespace net
