#include "reception.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "net/proxy_header_reader.h"
#include "net/tcp.h"
#include "proxy/client_connection.h"
#include "proxy/local_reply.h"

namespace {

constexpr uint64_t log_interval_s = 60;

}  // namespace

bool is_due_to_log(std::atomic<uint64_t>& again_s, uint64_t now_ms) {
  const uint64_t now_s = now_ms / 1000;
  uint64_t due_s = again_s.load(std::memory_order_relaxed);
  return now_s >= due_s && again_s.compare_exchange_strong(due_s, now_s + log_interval_s);
}

// A connection whose header is on its way.
class Reception::Pending final : public net::Buried, public base::ListLink<Pending> {
 public:
  Pending(Reception& reception, net::Fd socket, const net::Address& front, const Door& door)
      : reception_(reception),
        front_(front),
        door_(door),
        reader_(reception.loop_,
                std::move(socket),
                reception.config().timeouts.request_head_ms,
                this,
                [](void* self) {
                  auto& pending = *static_cast<Pending*>(self);
                  pending.reception_.on_header(pending);
                }) {}

  [[nodiscard]] net::ProxyHeaderReader& reader() { return reader_; }
  [[nodiscard]] const Door& door() const { return door_; }
  [[nodiscard]] const net::Address& front() const { return front_; }
  // Who it is for.
  [[nodiscard]] const net::Address& client() const {
    return reader_.client().is_none() ? front_ : reader_.client();
  }

 private:
  Reception& reception_;
  net::Address front_;
  const Door& door_;
  net::ProxyHeaderReader reader_;
};

Reception::Reception(net::UvLoop& loop,
                     proxy::Environment& environment,
                     SharedCounts& shared,
                     std::function<void()> on_change)
    : loop_(loop),
      environment_(environment),
      shared_(shared),
      on_change_(std::move(on_change)),
      farewell_(loop) {}

Reception::~Reception() {
  close();
}

const config::Config& Reception::config() const {
  return environment_.snapshot->config();
}

void Reception::receive(net::Fd socket, const net::Address& peer, const Door& door) {
  if (door.purpose == proxy::Purpose::admin) {
    admit(std::move(socket), peer, door);
    return;
  }
  const bool refuses = config().limits.when_full == config::WhenFull::refuse;
  if (refuses && shared_.open.load(std::memory_order_relaxed) >= shared_.connections_max) {
    refuse(std::move(socket), Refusal::full, peer);
    return;
  }
  shared_.open.fetch_add(1, std::memory_order_relaxed);
  const auto& fronts = door.listen.proxy_protocol.from;
  const bool is_front = std::any_of(fronts.begin(), fronts.end(), [&](const auto& network) {
    return network.contains(peer.bytes());
  });
  if (is_front) {
    pending_.push_back(*new Pending(*this, std::move(socket), peer, door));
  } else {
    admit(std::move(socket), peer, door);
  }
  on_change_();
}

void Reception::on_header(Pending& pending) {
  pending.unlink();
  loop_.bury(std::unique_ptr<net::Buried>(&pending));
  net::ProxyHeaderReader& reader = pending.reader();
  if (reader.why().empty()) {
    admit(reader.take_socket(), pending.client(), pending.door());
  } else {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    refuse(reader.take_socket(), Refusal::header, pending.front(), reader.why());
  }
  on_change_();
}

void Reception::admit(net::Fd socket, const net::Address& client, const Door& door) {
  const bool counted = door.purpose == proxy::Purpose::proxy;
  if (counted && !shared_.addresses.enter(client, config().limits.connections_per_address_max)) {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    refuse(std::move(socket), Refusal::address, client);
    return;
  }
  auto tcp = net::Tcp::open(loop_, std::move(socket), client, base::Side::client);
  if (!tcp) {
    leave(client, door.purpose);
    return;
  }
  proxy::ClientConnection::start(environment_, *std::move(tcp), client, door.purpose);
}

void Reception::leave(const net::Address& client, proxy::Purpose purpose) {
  if (purpose != proxy::Purpose::proxy) return;
  shared_.addresses.leave(client);
  shared_.open.fetch_sub(1, std::memory_order_relaxed);
}

void Reception::refuse(net::Fd socket,
                       Refusal why,
                       const net::Address& peer,
                       std::string_view detail) {
  environment_.metrics.connections_refused[static_cast<size_t>(why)].add();
  // Whoever sent no header speaks something else.
  farewell_.say(std::move(socket),
                why == Refusal::header ? std::string_view() : proxy::busy_reply());
  if (!is_due_to_log(shared_.log_refused_again_s[static_cast<size_t>(why)], loop_.now_ms())) return;
  switch (why) {
    case Refusal::full:
      base::log_warning(
          "{} client connections are open, the limit: new ones get 503; raise `ulimit -n` or "
          "limits.connections_max",
          shared_.connections_max);
      break;
    case Refusal::address:
      base::log_warning(
          "{} has {} connections, limits.connections_per_address_max: further ones get 503; if "
          "a front server stands there, let it speak the PROXY protocol",
          peer.host_text(),
          config().limits.connections_per_address_max);
      break;
    case Refusal::header:
      base::log_warning("{} is in listen.proxy_protocol.from but its PROXY header was refused: {}",
                        peer.host_text(),
                        detail);
      break;
  }
}

void Reception::close() {
  pending_.for_each([this](Pending& pending) {
    pending.unlink();
    loop_.bury(std::unique_ptr<net::Buried>(&pending));
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
  });
  farewell_.end();
}
