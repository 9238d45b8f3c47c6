#include "net/name_server.h"

#include <algorithm>
#include <ares.h>
#include <array>
#include <cstring>
#include <sys/time.h>
#include <utility>

#include "base/check.h"

namespace net {
namespace {

// UDP loses: a question is repeated after this, then after twice as long, ...
constexpr int repeat_after_ms = 1'000;
constexpr int tries_max = 4;
// How long a server that kept silent comes after the others.
constexpr uint64_t avoid_silent_ms = 60'000;

NameReply::Kind kind_of(int status) {
  switch (status) {
    case ARES_SUCCESS:
      return NameReply::Kind::found;
    case ARES_ENODATA:
    case ARES_ENOTFOUND:
    case ARES_EBADNAME:  // too long, or an empty label: no server knows better
      return NameReply::Kind::none;
    default:
      return NameReply::Kind::failed;
  }
}

}  // namespace

NameServer::NameServer(UvLoop& loop, const Address& address)
    : NameServer(loop, address, Part::whole) {}

NameServer::NameServer(UvLoop& loop, const Address& address, Part part)
    : loop_(loop), address_(address), timer_(loop.timers(), this, [](void* self) {
        static_cast<NameServer*>(self)->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
      }) {
  CHECK(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
  std::array<char, 2> dns_only{"b"};
  std::array<char, 10> no_file{"/dev/null"};
  ares_options options{};
  // Which names to ask for and when to ask another server is decided by who asks.
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_NOCHECKRESP;
  options.timeout = repeat_after_ms;
  options.tries = tries_max;
  options.lookups = dns_only.data();
  options.resolvconf_path = no_file.data();
  options.sock_state_cb = [](void* self, ares_socket_t socket, int reads, int writes) {
    static_cast<NameServer*>(self)->on_socket_state(socket, reads != 0, writes != 0);
  };
  options.sock_state_cb_data = this;
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
             ARES_OPT_RESOLVCONF | ARES_OPT_SOCK_STATE_CB;
#ifdef ARES_OPT_QUERY_CACHE
  options.qcache_max_ttl = 0;  // answers are kept by who asks
  mask |= ARES_OPT_QUERY_CACHE;
#endif
  CHECK(ares_init_options(&channel_, &options, mask) == ARES_SUCCESS);
  ares_addr_port_node server{};
  server.family = address.family();
  server.udp_port = server.tcp_port = address.port();
  if (address.is_ipv6()) {
    const auto& v6 = *reinterpret_cast<const sockaddr_in6*>(address.system());
    std::memcpy(&server.addr, &v6.sin6_addr, sizeof v6.sin6_addr);
  } else {
    const auto& v4 = *reinterpret_cast<const sockaddr_in*>(address.system());
    std::memcpy(&server.addr, &v4.sin_addr, sizeof v4.sin_addr);
  }
  CHECK(ares_set_servers_ports(channel_, &server) == ARES_SUCCESS);
  if (part == Part::whole) ipv6_.reset(new NameServer(loop, address, Part::ipv6));
}

NameServer::~NameServer() {
  ares_destroy(channel_);
  ares_library_cleanup();
}

void NameServer::mark_silent() {
  avoided_until_ms_ = loop_.now_ms() + avoid_silent_ms;
}

void NameServer::on_socket_state(int socket, bool reads, bool writes) {
  auto& poll = polls_[socket];
  if (!reads && !writes) {
    polls_.erase(socket);  // before the library closes it
    return;
  }
  if (poll == nullptr) {
    poll = std::make_unique<Handle<uv_poll_t>>(this);
    CHECK(uv_poll_init(loop_.uv(), poll->get(), socket) == 0);
  }
  const int events = (reads ? UV_READABLE : 0) | (writes ? UV_WRITABLE : 0);
  uv_poll_start(poll->get(), events, [](uv_poll_t* handle, int status, int ready) {
    auto* const server = Handle<uv_poll_t>::owner_of<NameServer>(handle);
    uv_os_fd_t fd = -1;
    if (server == nullptr || uv_fileno(reinterpret_cast<uv_handle_t*>(handle), &fd) != 0) return;
    // After an error reading and writing tell which.
    const bool failed = status != 0;
    server->process(failed || (ready & UV_READABLE) != 0 ? fd : ARES_SOCKET_BAD,
                    failed || (ready & UV_WRITABLE) != 0 ? fd : ARES_SOCKET_BAD);
  });
}

void NameServer::process(int readable, int writable) {
  ares_process_fd(channel_, readable, writable);
  set_timer();
}

void NameServer::set_timer() {
  timeval next{};
  if (ares_timeout(channel_, nullptr, &next) == nullptr) {
    timer_.clear();
    return;
  }
  const auto ms =
      static_cast<uint64_t>(next.tv_sec) * 1000 + static_cast<uint64_t>(next.tv_usec) / 1000;
  timer_.set(std::max<uint64_t>(ms, 1));
}

NameServer::Question::~Question() {
  if (pending_ != nullptr) pending_->question = nullptr;
}

void NameServer::Question::ask(const std::string& name) {
  ares_addrinfo_hints hints{};
  hints.ai_family = family_;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  pending_ = new Pending{this};
  NameServer& server =
      family_ == AF_INET6 ? *server_.ipv6_ : server_;  // this may die in the callback
  ares_getaddrinfo(
      server.channel_,
      name.c_str(),
      nullptr,
      &hints,
      [](void* arg, int status, int /*timeouts*/, ares_addrinfo* found) {
        const std::unique_ptr<Pending> pending(static_cast<Pending*>(arg));
        if (pending->question != nullptr) pending->question->finish(status, found);
        if (found != nullptr) ares_freeaddrinfo(found);
      },
      pending_);
  server.set_timer();
}

void NameServer::Question::finish(int status, const ares_addrinfo* found) {
  pending_ = nullptr;
  NameReply reply{.kind = kind_of(status), .is_silent = status == ARES_ETIMEOUT, .addresses = {}};
  reply.ttl_s = UINT32_MAX;
  for (const auto* node = found == nullptr ? nullptr : found->nodes; node != nullptr;
       node = node->ai_next) {
    const Address address = Address::from_system(node->ai_addr);
    if (address.family() != family_) continue;
    reply.addresses.push_back(address);
    reply.ttl_s = std::min(reply.ttl_s, static_cast<uint64_t>(std::max(node->ai_ttl, 0)));
  }
  // What led there may change earlier.
  for (const auto* alias = found == nullptr ? nullptr : found->cnames; alias != nullptr;
       alias = alias->next) {
    reply.ttl_s = std::min(reply.ttl_s, static_cast<uint64_t>(std::max(alias->ttl, 0)));
  }
  if (reply.kind == NameReply::Kind::found && reply.addresses.empty()) {
    reply.kind = NameReply::Kind::none;
  }
  for (Address& address : reply.addresses)
    address.set_port(0);
  done_(owner_, *this, std::move(reply));
}

}  // namespace net
