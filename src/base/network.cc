#include "base/network.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cstring>

#include "base/parse_number.h"

namespace base {
namespace {

constexpr IpBytes nobody{};
constexpr std::array<uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr unsigned mapped_bits = 8 * mapped_prefix.size();

struct Parsed {
  IpBytes bytes{};
  unsigned bits = 128;  // of its family
  unsigned mapped = 0;  // bits in front of those
};

std::optional<Parsed> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (text.empty() || text.size() >= terminated.size()) return std::nullopt;
  std::memcpy(terminated.data(), text.data(), text.size());
  Parsed parsed;
  if (::inet_pton(AF_INET6, terminated.data(), parsed.bytes.data()) == 1) return parsed;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), parsed.bytes.begin());
  if (::inet_pton(AF_INET, terminated.data(), parsed.bytes.data() + mapped_prefix.size()) != 1) {
    return std::nullopt;
  }
  parsed.bits = 32;
  parsed.mapped = mapped_bits;
  return parsed;
}

}  // namespace

std::optional<IpBytes> parse_ip(std::string_view text) {
  const std::optional<Parsed> parsed = parse_address(text);
  return parsed ? std::optional(parsed->bytes) : std::nullopt;
}

IpBytes truncate(const IpBytes& address, unsigned bits) {
  IpBytes result{};
  for (unsigned i = 0; i < result.size() && 8 * i < bits; ++i) {
    const unsigned kept = std::min(8U, bits - 8 * i);
    result[i] = static_cast<uint8_t>(address[i] & (0xff00U >> kept));
  }
  return result;
}

bool is_ipv4(const IpBytes& address) {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), address.begin());
}

std::optional<Network> Network::parse(std::string_view text) {
  Network network;
  if (text == "unix") return network;
  const size_t slash = text.find('/');
  const std::optional<Parsed> address = parse_address(text.substr(0, slash));
  if (!address) return std::nullopt;
  unsigned bits = address->bits;
  if (slash != std::string_view::npos) {
    const auto number = parse_number<unsigned>(text.substr(slash + 1));
    if (!number || *number > address->bits) return std::nullopt;
    bits = *number;
  }
  network.first_ = address->bytes;
  network.prefix_bits_ = static_cast<uint8_t>(bits + address->mapped);
  if (network.first_ == nobody && network.prefix_bits_ == 128) return std::nullopt;
  if (truncate(network.first_, network.prefix_bits_) != network.first_) return std::nullopt;
  return network;
}

std::string Network::text() const {
  if (*this == Network{}) return "unix";
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_ipv4(first_) && prefix_bits_ >= mapped_bits;
  const size_t skipped = v4 ? mapped_prefix.size() : 0;
  ::inet_ntop(v4 ? AF_INET : AF_INET6, first_.data() + skipped, text.data(), text.size());
  if (prefix_bits_ == 128) return text.data();
  return std::string(text.data()) + '/' + std::to_string(prefix_bits_ - 8 * skipped);
}

bool Network::contains(const IpBytes& address) const {
  if (address == nobody) return *this == Network{};
  return truncate(address, prefix_bits_) == first_;
}

}  // namespace base
