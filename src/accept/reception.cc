#include "accept/reception.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/log.h"
#include "client/h1_client.h"
#include "local/local_reply.h"
#include "net/address_format.h"
#include "net/first_byte.h"
#include "net/proxy_header_reader.h"
#include "net/tcp.h"
#include "tls/stream.h"

namespace accepting {

namespace {

constexpr uint64_t drain_grace_ms = 500;

// None where TLS is spoken: a client could not read words that are not encrypted.
std::string_view busy_words(const Entrance& entrance) {
  return entrance.tls == nullptr ? local::busy_reply() : std::string_view();
}

}  // namespace

// A connection whose PROXY header is on its way.
class Reception::Announced final : public net::Buried, public base::ListLink<Announced> {
 public:
  Announced(Reception& reception,
            base::Fd socket,
            const net::Address& front,
            const Entrance& entrance)
      : reception_(reception),
        front_(front),
        entrance_(entrance),
        reader_(reception.loop_,
                std::move(socket),
                reception.config().timeouts.request_head_ms,
                this,
                [](void* self) {
                  auto& announced = *static_cast<Announced*>(self);
                  announced.reception_.on_header(announced);
                }) {}

  [[nodiscard]] net::ProxyHeaderReader& reader() { return reader_; }
  [[nodiscard]] const Entrance& entrance() const { return entrance_; }
  [[nodiscard]] const net::Address& front() const { return front_; }
  // Who it is for.
  [[nodiscard]] const net::Address& client() const {
    return reader_.client().is_none() ? front_ : reader_.client();
  }

 private:
  Reception& reception_;
  net::Address front_;
  const Entrance& entrance_;
  net::ProxyHeaderReader reader_;
};

// A client that has to speak TLS and has said nothing yet. It has no TLS stream: those who connect
// and wait weigh next to nothing, and who speaks http can be told so.
class Reception::Silent final : public net::Buried, public base::ListLink<Silent> {
 public:
  Silent(Reception& reception,
         base::Fd socket,
         const net::Address& client,
         const Entrance& entrance)
      : reception_(reception),
        client_(client),
        entrance_(entrance),
        first_(reception.loop_,
               std::move(socket),
               reception.clients_.environment.draining
                   ? drain_grace_ms
                   : reception.config().timeouts.request_head_ms,
               this,
               [](void* self) {
                 auto& silent = *static_cast<Silent*>(self);
                 silent.reception_.on_first_byte(silent);
               }) {}

  [[nodiscard]] net::FirstByte& first() { return first_; }
  [[nodiscard]] const Entrance& entrance() const { return entrance_; }
  [[nodiscard]] const net::Address& client() const { return client_; }

 private:
  Reception& reception_;
  net::Address client_;
  const Entrance& entrance_;
  net::FirstByte first_;
};

Reception::Reception(net::UvLoop& loop,
                     client::Clients& clients,
                     SharedCounts& shared,
                     std::function<void()> on_change)
    : loop_(loop),
      clients_(clients),
      shared_(shared),
      on_change_(std::move(on_change)),
      farewell_(loop) {}

Reception::~Reception() {
  close();
}

const config::Config& Reception::config() const {
  return clients_.environment.snapshot->config();
}

void Reception::receive(base::Fd socket, const net::Address& peer, const Entrance& entrance) {
  if (!entrance.is_limited()) {
    admit(std::move(socket), peer, entrance);
    return;
  }
  if (shared_.memory.excess_bytes() > 0) {
    refuse(std::move(socket), observe::Refusal::memory, peer, busy_words(entrance));
    return;
  }
  const bool refuses = config().limits.when_full == config::WhenFull::refuse;
  if (refuses && shared_.open.load(std::memory_order_relaxed) >= shared_.connections_max) {
    refuse(std::move(socket), observe::Refusal::full, peer, busy_words(entrance));
    return;
  }
  shared_.open.fetch_add(1, std::memory_order_relaxed);
  const auto& fronts = entrance.listen.proxy_protocol.from;
  const bool is_front = std::any_of(fronts.begin(), fronts.end(), [&](const auto& network) {
    return network.contains(peer.bytes());
  });
  if (is_front) {
    announced_.push_back(*new Announced(*this, std::move(socket), peer, entrance));
  } else {
    arrive(std::move(socket), peer, entrance);
  }
  on_change_();
}

void Reception::on_header(Announced& announced) {
  announced.unlink();
  loop_.bury(std::unique_ptr<net::Buried>(&announced));
  net::ProxyHeaderReader& reader = announced.reader();
  if (reader.why().empty()) {
    arrive(reader.take_socket(), announced.client(), announced.entrance());
  } else {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    // Without words: a front server that sends no such header may speak anything.
    refuse(reader.take_socket(), observe::Refusal::header, announced.front(), {}, reader.why());
  }
  on_change_();
}

void Reception::arrive(base::Fd socket, const net::Address& client, const Entrance& entrance) {
  if (!shared_.addresses.enter(client, config().limits.connections_per_address_max)) {
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
    refuse(std::move(socket), observe::Refusal::address, client, busy_words(entrance));
  } else if (entrance.tls != nullptr) {
    silent_.push_back(*new Silent(*this, std::move(socket), client, entrance));
  } else {
    admit(std::move(socket), client, entrance);
  }
}

void Reception::on_first_byte(Silent& silent) {
  silent.unlink();
  loop_.bury(std::unique_ptr<net::Buried>(&silent));
  const std::optional<unsigned char> byte = silent.first().byte();
  // Every TLS record's first byte is below a letter, every HTTP method's is one.
  if (byte && !base::is_letter(static_cast<char>(*byte))) {
    admit(silent.first().take_socket(), silent.client(), silent.entrance());
    return;
  }
  leave(silent.client(), silent.entrance());
  if (byte) {
    refuse(silent.first().take_socket(),
           observe::Refusal::no_tls,
           silent.client(),
           local::https_needed_reply());
  }
  on_change_();
}

void Reception::admit(base::Fd socket, const net::Address& client, const Entrance& entrance) {
  auto tcp = net::Tcp::open(
      loop_, std::move(socket), client, base::Side::client, config().timeouts.unreachable_ms);
  if (!tcp) {
    leave(client, entrance);
    return;
  }
  std::unique_ptr<net::ByteStream> stream = *std::move(tcp);
  if (entrance.tls != nullptr) {
    stream = std::make_unique<tls::TlsStream>(
        loop_, std::move(stream), entrance.tls, config().timeouts.request_head_ms);
  }
  client::H1Client::start(clients_, std::move(stream), client, entrance);
}

void Reception::leave(const net::Address& client, const proxy::Entrance& entrance) {
  if (!entrance.is_limited()) return;
  shared_.addresses.leave(client);
  shared_.open.fetch_sub(1, std::memory_order_relaxed);
}

void Reception::refuse(base::Fd socket,
                       observe::Refusal why,
                       const net::Address& peer,
                       std::string_view words,
                       std::string_view detail) {
  clients_.environment.metrics.count(why);
  farewell_.say(std::move(socket), words);
  base::log_debug("client {}: turned away: {}", peer, observe::refusal_name(why));
  std::atomic<uint64_t>& log_again_s = shared_.log_refused_again_s[static_cast<size_t>(why)];
  if (!base::is_due_to_log(log_again_s, loop_.now_ms())) return;
  switch (why) {
    case observe::Refusal::full:
      base::log_warning(
          "{} client connections are open, the limit: new ones get 503; raise `ulimit -n` or "
          "limits.connections_max",
          shared_.connections_max);
      break;
    case observe::Refusal::address:
      base::log_warning(
          "{} has {} connections, limits.connections_per_address_max: further ones get 503; if "
          "a front server stands there, let it speak the PROXY protocol",
          peer.host_text(),
          config().limits.connections_per_address_max);
      break;
    case observe::Refusal::header:
      base::log_warning("{} is in listen.proxy_protocol.from but its PROXY header was refused: {}",
                        peer.host_text(),
                        detail);
      break;
    case observe::Refusal::memory:
      base::log_warning(
          "{} bytes of memory are held, memory_limit is {}: new connections get 503; raise it or "
          "lower limits.connections_max",
          shared_.memory.used_bytes(),
          shared_.memory.limit_bytes());
      break;
    case observe::Refusal::no_tls:  // anybody's mistake, and told to them
      break;
  }
}

void Reception::drain() {
  silent_.for_each([](Silent& silent) { silent.first().hurry(drain_grace_ms); });
}

void Reception::close() {
  announced_.for_each([this](Announced& announced) {
    announced.unlink();
    loop_.bury(std::unique_ptr<net::Buried>(&announced));
    shared_.open.fetch_sub(1, std::memory_order_relaxed);
  });
  silent_.for_each([this](Silent& silent) {
    silent.unlink();
    loop_.bury(std::unique_ptr<net::Buried>(&silent));
    leave(silent.client(), silent.entrance());
  });
  farewell_.end();
}

}  // namespace accepting
