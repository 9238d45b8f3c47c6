#include "net/name_channel.h"

#include <algorithm>
#include <ares.h>
#include <array>
#include <utility>

#include <uv.h>

#include "base/check.h"

namespace net {
namespace {

// Once in a process, before any channel.
int initialized() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

int uv_code_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return 0;
    case ARES_ENOTFOUND:
      return UV_EAI_NONAME;
    case ARES_ENODATA:
      return UV_EAI_NODATA;
    case ARES_EBADNAME:
    case ARES_EBADSTR:
      return UV_EAI_BADHINTS;
    case ARES_ENOMEM:
      return UV_EAI_MEMORY;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED:
      return UV_EAI_AGAIN;
    default:
      return UV_EAI_FAIL;
  }
}

}  // namespace

struct NameChannel::State {
  ares_channel channel = nullptr;
};

struct NameChannel::Lookup {
  NameChannel& channel;
  Done done;
};

NameChannel::NameChannel() : state_(std::make_unique<State>()) {
  CHECK(initialized() == ARES_SUCCESS);
  ares_options options{};
  options.timeout = server_timeout_ms;
  options.tries = tries;
  const int status =
      ares_init_options(&state_->channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES);
  if (status != ARES_SUCCESS) state_->channel = nullptr;
}

NameChannel::~NameChannel() {
  if (state_->channel != nullptr) ares_destroy(state_->channel);
}

void NameChannel::look_up(const std::string& host, int family, Done done) {
  if (state_->channel == nullptr) {
    done({.error = UV_EAI_FAIL});
    return;
  }
  ++waiting_;
  ares_addrinfo_hints hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  const auto on_done = [](void* argument, int status, int timeouts, ares_addrinfo* result) {
    const std::unique_ptr<Lookup> lookup(static_cast<Lookup*>(argument));
    --lookup->channel.waiting_;
    Found found{.error = uv_code_of(status), .servers_silent = timeouts};
    for (const ares_addrinfo_node* node = result == nullptr ? nullptr : result->nodes;
         node != nullptr;
         node = node->ai_next) {
      const Address address = Address::from_system(node->ai_addr);
      if (address.is_none()) continue;
      found.addresses.push_back(address);
      found.addresses.back().set_port(0);
      found.ttl_s = std::min(found.ttl_s, static_cast<uint32_t>(std::max(node->ai_ttl, 0)));
    }
    if (result != nullptr) ares_freeaddrinfo(result);
    if (found.error == 0 && found.addresses.empty()) found.error = UV_EAI_NODATA;
    if (status != ARES_EDESTRUCTION) lookup->done(found);
  };
  ares_getaddrinfo(
      state_->channel, host.c_str(), nullptr, &hints, on_done, new Lookup{*this, std::move(done)});
}

int NameChannel::prepare(std::vector<pollfd>& polled) {
  if (state_->channel == nullptr) return -1;
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int wanted = ares_getsock(state_->channel, sockets.data(), ARES_GETSOCK_MAXNUM);
  for (size_t i = 0; i < sockets.size(); ++i) {
    const auto bit = static_cast<int>(i);
    const bool reads = ARES_GETSOCK_READABLE(static_cast<unsigned>(wanted), bit) != 0;
    const bool writes = ARES_GETSOCK_WRITABLE(static_cast<unsigned>(wanted), bit) != 0;
    if (!reads && !writes) continue;
    const int events = (reads ? POLLIN : 0) | (writes ? POLLOUT : 0);
    polled.push_back({.fd = sockets[i], .events = static_cast<int16_t>(events), .revents = 0});
  }
  timeval left{};
  if (ares_timeout(state_->channel, nullptr, &left) == nullptr) return -1;
  return static_cast<int>(left.tv_sec * 1'000 + (left.tv_usec + 999) / 1'000);
}

void NameChannel::process(const std::vector<pollfd>& polled) {
  if (state_->channel == nullptr) return;
  for (const pollfd& one : polled) {
    const bool reads = (one.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    const bool writes = (one.revents & POLLOUT) != 0;
    if (!reads && !writes) continue;
    ares_process_fd(
        state_->channel, reads ? one.fd : ARES_SOCKET_BAD, writes ? one.fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(state_->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

void NameChannel::rotate_servers() {
  if (state_->channel == nullptr || waiting_ > 0) return;
  ares_addr_port_node* servers = nullptr;
  if (ares_get_servers_ports(state_->channel, &servers) != ARES_SUCCESS) return;
  if (servers != nullptr && servers->next != nullptr) {
    ares_addr_port_node* first = servers;
    ares_addr_port_node* last = servers;
    while (last->next != nullptr)
      last = last->next;
    servers = first->next;
    last->next = first;
    first->next = nullptr;
    static_cast<void>(ares_set_servers_ports(state_->channel, servers));
  }
  ares_free_data(servers);
}

}  // namespace net
