#include "server/worker.h"

#include <algorithm>
#include <array>
#include <bit>
#include <random>
#include <utility>

#include "base/log.h"
#include "server/compile.h"
#include "upstream/origin_dialer.h"

namespace server {

namespace {

// While at the limit: how often to see whether another worker has made room.
constexpr uint64_t accept_again_ms = 100;

// Beyond memory_limit: how long to leave it where cutting was of no use.
constexpr uint64_t relieve_again_after_ms = 100;

observe::Handshake figure_of(tls::HandshakeEnd end) {
  switch (end) {
    case tls::HandshakeEnd::full:
      return observe::Handshake::full;
    case tls::HandshakeEnd::resumed:
      return observe::Handshake::resumed;
    case tls::HandshakeEnd::failed:
      break;
  }
  return observe::Handshake::failed;
}

}  // namespace

Worker::Worker(const std::shared_ptr<const deploy::Deployment>& deployment,
               observe::AccessLog& access_log,
               ledger::Ledger* ledger,
               accepting::SharedCounts& shared,
               net::NameSource& names,
               fleet::Notices& fleet_notices)
    : resolver_(loop_, names),
      fleet_notices_(fleet_notices),
      shared_(shared),
      environment_{.loop = loop_,
                   .metrics = metrics_,
                   .access_log = access_log,
                   .ledger = ledger,
                   .snapshot = {},
                   .memory = shared.memory,
                   .id_prefix = std::random_device{}()},
      clients_{.environment = environment_,
               .on_closed =
                   [this](const client::ClientSession& session) {
                     on_client_closed(session);
                   }},
      mailbox_(loop_),
      reception_(loop_, clients_, shared, [this] { on_received(); }),
      accept_again_(
          loop_.timers(), this, [](void* self) { static_cast<Worker*>(self)->update_accepting(); }),
      drain_deadline_(
          loop_.timers(), this, [](void* self) { static_cast<Worker*>(self)->cut_all(); }),
      relieve_memory_(this, [](void* self) { static_cast<Worker*>(self)->relieve_memory(); }),
      end_if_done_(this, [](void* self) { static_cast<Worker*>(self)->end_if_done(); }) {
  loop_.watch_memory(shared_.memory, relieve_memory_);
  environment_.snapshot = compile(deployment);
}

Worker::~Worker() = default;

void Worker::listen(std::vector<base::Fd> sockets,
                    const config::Listen& listen,
                    const proxy::Entrance& leads_to,
                    const std::shared_ptr<const deploy::ListenerTls>& tls) {
  auto entrance = std::make_unique<accepting::Entrance>(
      accepting::Entrance{leads_to, listen, make_tls(tls), {}});
  for (base::Fd& socket : sockets) {
    entrance->listeners.push_back(std::make_unique<net::Listener>(
        loop_,
        std::move(socket),
        [this, &entrance = *entrance](base::Fd connection, const net::Address& peer) {
          reception_.receive(std::move(connection), peer, entrance);
        },
        [this] { metrics_.accepts_failed.add(); }));
    entrance->listeners.back()->probe(environment_.snapshot->config().timeouts.unreachable_ms);
  }
  entrances_.push_back(std::move(entrance));
}

void Worker::run() {
  loop_.run();
}

void Worker::reload(std::shared_ptr<const deploy::Deployment> deployment) {
  mailbox_.post([this, deployment = std::move(deployment)] {
    if (environment_.draining) return;
    const proxy::SnapshotRef former = std::exchange(environment_.snapshot, compile(deployment));
    former->retire();
    for (const auto& entrance : entrances_) {
      for (const auto& listener : entrance->listeners)
        listener->probe(environment_.snapshot->config().timeouts.unreachable_ms);
    }
    update_accepting();
  });
}

void Worker::renew_tls(deploy::ListenersTls listeners) {
  mailbox_.post([this, listeners = std::move(listeners)] {
    for (size_t i = 0; i < entrances_.size() && i < listeners.size(); ++i)
      entrances_[i]->tls = make_tls(listeners[i]);
  });
}

std::shared_ptr<tls::ServerContext> Worker::make_tls(
    const std::shared_ptr<const deploy::ListenerTls>& listener) {
  if (listener == nullptr) return nullptr;
  return std::make_shared<tls::ServerContext>(
      tls::ServerOptions{.certificates = listener->certificates,
                         .client_ca = listener->client_ca,
                         .min_version = listener->min_version,
                         .ticket_keys = listener->ticket_keys,
                         .on_handshake = [this](tls::HandshakeEnd end) {
                           metrics_.count(figure_of(end));
                         }});
}

void Worker::drain() {
  mailbox_.post([this] { begin_drain(); });
}

void Worker::stop() {
  mailbox_.post([this] {
    begin_drain();
    cut_all();
  });
}

proxy::SnapshotRef Worker::compile(const std::shared_ptr<const deploy::Deployment>& deployment) {
  const auto make_dialer =
      [this, deployment](const Destination& to) -> std::unique_ptr<upstream::Dialer> {
    const auto trust = deployment->trust.find(to.upstream);
    const bool has_trust = trust != deployment->trust.end();
    const bool is_tls = to.origin.scheme == base::Scheme::https;
    if (is_tls && to.config.tls.verify && !has_trust) return nullptr;
    return std::make_unique<upstream::OriginDialer>(
        loop_,
        resolver_,
        to.origin,
        to.config,
        upstream::OriginDialer::Tls{.server_name = to.server_name,
                                    .trust = has_trust ? trust->second : nullptr,
                                    .sessions = deployment->lasting.sessions.at(to.upstream)},
        shared_.own_addresses);
  };
  share_limits(deployment->config->redis);
  return server::compile(
      loop_, metrics_, deployment->config, deployment->gateway, fleet_limits_, make_dialer);
}

// Requests under way end with what they began with.
void Worker::share_limits(const config::Redis& redis) {
  if (fleet_limits_ != nullptr && fleet_limits_->redis() == redis) return;
  fleet_limits_.reset();
  if (redis.url.is_none()) return;
  fleet_limits_ = std::make_shared<fleet::FleetLimits>(loop_, resolver_, redis, fleet_notices_);
}

void Worker::on_client_closed(const client::ClientSession& session) {
  reception_.leave(session.client(), session.entrance());
  if (holding_) update_accepting();
  if (environment_.draining) loop_.defer(end_if_done_);
}

void Worker::on_received() {
  update_accepting();
  if (environment_.draining) loop_.defer(end_if_done_);
}

// At the limit nobody is accepted: who comes waits in the kernel's backlog, and nobody is lost. The
// admin endpoint is held at no limit: health and metrics answer under overload too.
void Worker::update_accepting() {
  if (environment_.draining) return;
  const bool waits = environment_.snapshot->config().limits.when_full == config::WhenFull::wait;
  const bool hold =
      waits && shared_.open.load(std::memory_order_relaxed) >= shared_.connections_max;
  if (hold) accept_again_.set(accept_again_ms);
  if (hold == holding_) return;
  holding_ = hold;
  for (const auto& entrance : entrances_) {
    if (!entrance->is_limited()) continue;
    for (const auto& listener : entrance->listeners)
      hold ? listener->hold() : listener->resume();
  }
  if (!hold) return;
  metrics_.accepts_held.add();
  if (base::is_due_to_log(shared_.log_held_again_s, loop_.now_ms())) {
    base::log_warning(
        "{} client connections are open, the limit: new ones wait until some close; raise "
        "`ulimit -n` or limits.connections_max",
        shared_.connections_max);
  }
}

// Beyond memory_limit who holds most goes, until the rest fits. A stream whose client reads along
// holds nothing and goes on.
void Worker::relieve_memory() {
  const uint64_t now_ms = loop_.now_ms();
  uint64_t excess = shared_.memory.excess_bytes();
  if (excess == 0 || now_ms < relieve_again_ms_) return;
  // Added up by powers of two: how much one must hold to be among those who make up the excess.
  std::array<uint64_t, 65> held_by_width{};
  clients_.sessions.for_each([&](client::ClientSession& client) {
    const uint64_t held = client.held_bytes();
    held_by_width.at(static_cast<size_t>(std::bit_width(held))) += held;
  });
  size_t width = held_by_width.size() - 1;
  uint64_t found = held_by_width[width];
  while (found < excess && width > 1)
    found += held_by_width.at(--width);
  size_t cut = 0;
  clients_.sessions.for_each([&](client::ClientSession& client) {
    const uint64_t held = client.held_bytes();
    if (excess == 0 || static_cast<size_t>(std::bit_width(held)) < width) return;
    excess -= std::min(excess, held);
    ++cut;
    client.cut();
  });
  metrics_.memory_cut.add(cut);
  // Nobody holds more: looking again at once would find the same.
  if (excess > 0) relieve_again_ms_ = now_ms + relieve_again_after_ms;
  if (!shared_.memory.is_cut_due_to_log(now_ms)) return;
  base::log_warning(
      "{} bytes of memory are held, memory_limit is {}: {} clients that held most were cut; raise "
      "it, or lower limits.connections_max",
      shared_.memory.used_bytes(),
      shared_.memory.limit_bytes(),
      cut);
}

void Worker::begin_drain() {
  if (environment_.draining) return;
  environment_.draining = true;
  // Takes in who is connected already; they would be reset.
  for (const auto& entrance : entrances_) {
    for (const auto& listener : entrance->listeners)
      entrance->is_limited() ? listener->drain() : listener->close();
  }
  reception_.drain();
  accept_again_.clear();
  clients_.sessions.for_each([](client::ClientSession& client) { client.drain(); });
  drain_deadline_.set(environment_.snapshot->config().timeouts.drain_ms);
  loop_.defer(end_if_done_);
}

void Worker::cut_all() {
  environment_.stopping = true;
  reception_.close();
  clients_.sessions.for_each([](client::ClientSession& client) { client.cut(); });
  loop_.defer(end_if_done_);
}

void Worker::end_if_done() {
  if (ended_ || !clients_.sessions.empty() || !reception_.empty()) return;
  ended_ = true;
  drain_deadline_.clear();
  reception_.close();
  entrances_.clear();
  environment_.snapshot->retire();
  environment_.snapshot.reset();
  if (fleet_limits_ != nullptr) fleet_limits_->close();
  resolver_.close();
  mailbox_.close();
}

}  // namespace server
