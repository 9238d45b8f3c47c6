// The PROXY protocol's two versions, each header also split at every byte.
#include "net/proxy_header.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

using net::ProxyHeaderParser;
using Status = ProxyHeaderParser::Status;

namespace {

struct Case {
  std::string header;
  std::string client;  // "unix": it does not say
};

struct Outcome {
  Status status = Status::more;
  size_t bytes = 0;
  std::string client;
  std::string why;
  bool operator==(const Outcome&) const = default;
};

Outcome feed(std::string_view text, size_t first_piece) {
  ProxyHeaderParser parser;
  Outcome outcome;
  for (std::string_view piece : {text.substr(0, first_piece), text.substr(first_piece)}) {
    if (outcome.status != Status::more) break;
    const auto taken = parser.take(base::as_bytes(piece));
    outcome.status = taken.status;
    outcome.bytes += taken.bytes;
    if (taken.status == Status::more) CHECK(taken.bytes == piece.size());
  }
  outcome.client = parser.client().text();
  outcome.why = parser.why();
  return outcome;
}

// The same whole, byte by byte and at every split.
Outcome parse(std::string_view text) {
  const Outcome whole = feed(text, text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    CAPTURE(i);
    CHECK(feed(text, i) == whole);
  }
  ProxyHeaderParser parser;
  Outcome bytewise;
  for (size_t i = 0; i < text.size() && bytewise.status == Status::more; ++i) {
    const auto taken = parser.take(base::as_bytes(text.substr(i, 1)));
    bytewise.status = taken.status;
    bytewise.bytes += taken.bytes;
  }
  CHECK(bytewise.status == whole.status);
  CHECK(bytewise.bytes == whole.bytes);
  return whole;
}

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values)
    text.push_back(static_cast<char>(value));
  return text;
}

// Version 2 with `length` as it says, which `rest` need not have.
std::string v2(int command, int family, size_t length, const std::string& rest) {
  return std::string("\r\n\r\n\0\r\nQUIT\n", 12) +
         bytes({command, family, static_cast<int>(length >> 8), static_cast<int>(length & 0xff)}) +
         rest;
}

std::string v2(int command, int family, const std::string& rest) {
  return v2(command, family, rest.size(), rest);
}

const std::string ipv4 = bytes({192, 0, 2, 1, 198, 51, 100, 2, 0xdc, 0x04, 0, 80});
const std::string ipv6 = bytes({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}) +
                         bytes({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}) +
                         bytes({0xdc, 0x04, 0, 80});
const std::string mapped = bytes({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1}) +
                           std::string(16, '\0') + bytes({0xdc, 0x04, 0, 80});

}  // namespace

TEST_CASE("headers that say who connected") {
  const Case cases[] = {
      {"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n", "192.0.2.1:56324"},
      {"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n", "255.255.255.255:65535"},
      {"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n", "0.0.0.0:0"},
      {"PROXY TCP6 2001:db8::1 2001:db8::2 56324 443\r\n", "[2001:db8::1]:56324"},
      {"PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
       "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
       "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
      {"PROXY TCP6 ::ffff:192.0.2.1 ::1 1 2\r\n", "192.0.2.1:1"},
      {"PROXY UNKNOWN\r\n", "unix"},
      {"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", "unix"},
      {v2(0x21, 0x11, ipv4), "192.0.2.1:56324"},
      {v2(0x21, 0x21, ipv6), "[2001:db8::1]:56324"},
      {v2(0x21, 0x21, mapped), "192.0.2.1:56324"},
      // Behind the addresses: a TLV.
      {v2(0x21, 0x11, ipv4 + bytes({0x04, 0, 3, 'a', 'b', 'c'})), "192.0.2.1:56324"},
      {v2(0x21, 0x11, ipv4 + std::string(500, 'x')), "192.0.2.1:56324"},
      {v2(0x21, 0x31, std::string(216, 'u')), "unix"},
      {v2(0x21, 0x00, ""), "unix"},
      {v2(0x21, 0x00, "anything"), "unix"},
      // LOCAL: whatever it carries.
      {v2(0x20, 0x00, ""), "unix"},
      {v2(0x20, 0x11, ipv4), "unix"},
      {v2(0x20, 0xff, "anything"), "unix"},
  };
  for (const Case& each : cases) {
    CAPTURE(each.header);
    for (const std::string behind : {"", "G", "GET / HTTP/1.1\r\n\r\n", "PROXY ", "\r\n"}) {
      const Outcome outcome = parse(each.header + behind);
      CHECK(outcome.status == Status::done);
      CHECK(outcome.bytes == each.header.size());
      CHECK(outcome.client == each.client);
      CHECK(outcome.why.empty());
    }
    // Anything less is not enough.
    CHECK(parse(each.header.substr(0, each.header.size() - 1)).status == Status::more);
  }
}

TEST_CASE("the longest header there can be") {
  const std::string header = v2(0x21, 0x11, ipv4 + std::string(65535 - ipv4.size(), 'x'));
  const Outcome outcome = feed(header + "GET", 1000);
  CHECK(outcome.status == Status::done);
  CHECK(outcome.bytes == header.size());
  CHECK(outcome.client == "192.0.2.1:56324");
}

TEST_CASE("what is no header") {
  const std::string cases[] = {
      "GET / HTTP/1.1\r\n",
      "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY TCP4\t192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1\r 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 65536 1\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 +1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 0x1 2\r\n",
      "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
      "PROXY TCP4 192.0.2.1 192.0.2.256 1 2\r\n",
      "PROXY TCP4 ::1 ::1 1 2\r\n",
      "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY TCP6 fe80::1%lo fe80::1 1 2\r\n",
      "PROXY TCP6 [::1] [::1] 1 2\r\n",
      "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
      "PROXY \r\n",
      "PROXY\r\n",
      "PROXY UNKNOWN" + std::string(100, 'x') + "\r\n",
      std::string("PROXY TCP4 192.0.2.1\0 192.0.2.2 1 2\r\n", 38),
      "\r\n\r\nGET / HTTP/1.1\r\n",
      v2(0x11, 0x11, ipv4),
      v2(0x22, 0x11, ipv4),
      v2(0x31, 0x11, ipv4),
      v2(0x21, 0x12, ipv4),  // datagrams
      v2(0x21, 0x10, ipv4),
      v2(0x21, 0x01, ipv4),
      v2(0x21, 0x41, ipv4),
      v2(0x21, 0x11, 11, ipv4),
      v2(0x21, 0x11, 0, ipv4),
      v2(0x21, 0x21, ipv4),
      v2(0x21, 0x31, ipv6),
  };
  for (const std::string& text : cases) {
    CAPTURE(text);
    const Outcome outcome = parse(text);
    CHECK(outcome.status == Status::invalid);
    CHECK(!outcome.why.empty());
  }
}

TEST_CASE("after an invalid header nothing is taken") {
  ProxyHeaderParser parser;
  CHECK(parser.take(base::as_bytes("X")).status == Status::invalid);
  const auto taken = parser.take(base::as_bytes("PROXY UNKNOWN\r\n"));
  CHECK(taken.status == Status::invalid);
  CHECK(taken.bytes == 0);
}
