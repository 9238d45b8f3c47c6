#include "support/name_server.h"

#include <arpa/inet.h>
#include <array>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

#include <doctest/doctest.h>

namespace test {
namespace {

constexpr int type_a = 1;
constexpr int type_alias = 5;
constexpr int type_aaaa = 28;
constexpr size_t header_bytes = 12;

std::string two(unsigned value) {
  return {static_cast<char>(value >> 8U & 0xffU), static_cast<char>(value & 0xffU)};
}

std::string encode(const std::string& name) {
  std::string wire;
  for (size_t begin = 0; begin < name.size();) {
    const size_t end = std::min(name.find('.', begin), name.size());
    wire += static_cast<char>(end - begin);
    wire += name.substr(begin, end - begin);
    begin = end + 1;
  }
  return wire + '\0';
}

std::string record(const std::string& owner, int type, uint32_t ttl_s, const std::string& data) {
  return owner + two(static_cast<unsigned>(type)) + two(1) + two(ttl_s >> 16U) +
         two(ttl_s & 0xffffU) + two(static_cast<unsigned>(data.size())) + data;
}

sockaddr_in address_of(const std::string& host, uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  REQUIRE(inet_pton(AF_INET, host.c_str(), &address.sin_addr) == 1);
  return address;
}

}  // namespace

NameServer::NameServer(const std::string& host, uint16_t port) {
  // One port for both: a free one of TCP may be taken of UDP.
  for (int tries = 0; udp_ < 0; ++tries) {
    REQUIRE(tries < 50);
    sockaddr_in address = address_of(host, port);
    auto* const system = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof address;
    tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    ::setsockopt(tcp_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    REQUIRE(::bind(tcp_, system, size) == 0);
    REQUIRE(::getsockname(tcp_, system, &size) == 0);
    REQUIRE(::listen(tcp_, 16) == 0);
    udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (::bind(udp_, system, size) == 0) {
      port_ = ntohs(address.sin_port);
    } else {
      ::close(std::exchange(udp_, -1));
      ::close(std::exchange(tcp_, -1));
    }
  }
  thread_ = std::thread([this] { serve(); });
}

NameServer::~NameServer() {
  ending_ = true;
  ::shutdown(tcp_, SHUT_RDWR);  // wakes poll()
  thread_.join();
  ::close(udp_);
  ::close(tcp_);
}

void NameServer::set(const std::string& name, NameRecord record) {
  const std::lock_guard lock(mutex_);
  records_[name] = std::move(record);
}

int NameServer::questions(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = questions_.find(name);
  return found == questions_.end() ? 0 : found->second;
}

void NameServer::serve() {
  while (!ending_) {
    std::array<pollfd, 2> ready{pollfd{udp_, POLLIN, 0}, pollfd{tcp_, POLLIN, 0}};
    ::poll(ready.data(), ready.size(), 1000);
    if (ending_) return;
    if ((ready[0].revents & POLLIN) != 0) serve_udp();
    if ((ready[1].revents & POLLIN) != 0) serve_tcp();
  }
}

void NameServer::serve_udp() {
  std::array<char, 2048> bytes{};
  sockaddr_storage from{};
  socklen_t size = sizeof from;
  auto* const system = reinterpret_cast<sockaddr*>(&from);
  const ssize_t count = ::recvfrom(udp_, bytes.data(), bytes.size(), 0, system, &size);
  if (count < 0) return;
  const std::string reply = answer({bytes.data(), static_cast<size_t>(count)}, true);
  if (!reply.empty()) ::sendto(udp_, reply.data(), reply.size(), 0, system, size);
}

void NameServer::serve_tcp() {
  const int connection = ::accept(tcp_, nullptr, nullptr);
  if (connection < 0) return;
  const timeval patience{.tv_sec = 5, .tv_usec = 0};
  ::setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  std::array<char, 2048> bytes{};
  const auto read = [&](size_t count) {
    return ::recv(connection, bytes.data(), count, MSG_WAITALL) == static_cast<ssize_t>(count);
  };
  while (read(2)) {
    const size_t length = static_cast<size_t>(static_cast<unsigned char>(bytes[0])) * 256 +
                          static_cast<unsigned char>(bytes[1]);
    if (length > bytes.size() || !read(length)) break;
    const std::string reply = answer({bytes.data(), length}, false);
    if (reply.empty()) break;
    const std::string framed = two(static_cast<unsigned>(reply.size())) + reply;
    ::send(connection, framed.data(), framed.size(), MSG_NOSIGNAL);
  }
  ::close(connection);
}

std::string NameServer::answer(const std::string& question, bool is_udp) {
  std::string name;
  size_t at = header_bytes;
  while (at < question.size() && question[at] != 0) {
    const auto length = static_cast<size_t>(question[at]);
    name += (name.empty() ? "" : ".") + question.substr(at + 1, length);
    at += length + 1;
  }
  for (char& c : name)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (at + 5 > question.size()) return {};
  const int type = static_cast<unsigned char>(question[at + 2]);
  NameRecord known{.addresses = {}, .code = 3, .alias = {}};
  {
    const std::lock_guard lock(mutex_);
    ++questions_[name];
    const auto found = records_.find(name);
    if (found != records_.end()) known = found->second;
  }
  if (!answering_ || known.is_silent || (type == type_aaaa && known.is_silent_ipv6)) return {};
  const bool is_cut = is_udp && known.is_truncated;
  std::string records;
  unsigned count = 0;
  const std::string asked = "\xc0\x0c";
  if (!known.alias.empty()) {
    records += record(asked, type_alias, known.ttl_s, encode(known.alias));
    ++count;
  }
  const std::string owner = known.alias.empty() ? asked : encode(known.alias);
  for (const std::string& address : known.addresses) {
    const bool is_ipv6 = address.find(':') != std::string::npos;
    if (type != (is_ipv6 ? type_aaaa : type_a)) continue;
    std::string data(is_ipv6 ? 16 : 4, '\0');
    REQUIRE(inet_pton(is_ipv6 ? AF_INET6 : AF_INET, address.c_str(), data.data()) == 1);
    records += record(owner, type, known.ttl_s, data);
    ++count;
  }
  if (is_cut || known.code != 0) {
    records.clear();
    count = 0;
  }
  return question.substr(0, 2) + static_cast<char>(is_cut ? 0x83 : 0x81) +
         static_cast<char>(0x80 | known.code) + two(1) + two(count) + two(0) + two(0) +
         question.substr(header_bytes, at + 5 - header_bytes) + records;
}

}  // namespace test
