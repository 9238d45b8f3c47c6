#include "sim/world.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <sys/mman.h>
#include <unistd.h>

#include "base/check.h"
#include "base/log.h"
#include "client/h1_client.h"
#include "proxy/exchange.h"
#include "proxy/snapshot.h"
#include "server/compile.h"
#include "sim/sim_client.h"
#include "sim/sim_upstream.h"
#include "sim/verdict.h"
#include "sim/wire.h"

namespace sim {

namespace {

constexpr uint64_t turns_max = 20'000'000;
constexpr uint64_t id_prefix = 0x51;

int make_log_file() {
  const int fd = memfd_create("access.log", MFD_CLOEXEC);
  if (fd < 0) std::abort();
  return fd;
}

}  // namespace

struct World::Timer {
  Timer(net::Loop& loop, std::function<void()> to_do)
      : deadline(loop.timers(), this, [](void* self) { static_cast<Timer*>(self)->work(); }),
        work(std::move(to_do)) {}
  net::Deadline deadline;
  std::function<void()> work;
};

World::World(uint64_t seed, Chance chance)
    : tracing_(std::getenv("OPENAI_PROXY_SIM_TRACE") != nullptr),
      chance_(chance),
      plan_(draw_plan(chance_)),
      network_(kernel_, seed, {.capacity_bytes = plan_.capacity_bytes, .random = true}),
      log_fd_(make_log_file()),
      access_log_(std::make_unique<observe::AccessLog>()),
      environment_{.loop = proxy_,
                   .metrics = metrics_,
                   .access_log = *access_log_,
                   .ledger = nullptr,
                   .snapshot = {},
                   .memory = memory_,
                   .id_prefix = id_prefix},
      proxy_clients_{.environment = environment_,
                     .on_closed =
                         [](const client::ClientSession&) {
                         }},
      turn_(this, [](void* self) { static_cast<World*>(self)->on_turn(); }) {
  const auto opened =
      access_log_->open(fmt::format("/proc/self/fd/{}", log_fd_), observe::LogFormat::json);
  if (!opened) fail("{}", opened.error());
  environment_.snapshot = compile();
}

World::~World() {
  ::close(log_fd_);
}

void World::end_in_failure(const std::string& why) const {
  fmt::print(stderr, "sim: {}\n", why);
  std::abort();
}

void World::trace_line(const std::string& line) const {
  fmt::print(stderr, "{:8} {}\n", proxy_.now_ms(), line);
}

// Chance for the actors.

Request& World::request(uint64_t id) {
  if (id >= requests_.size()) fail("a request nobody made: {}", id);
  return requests_[id];
}

uint64_t World::draw_nap_ms() {
  if (!chance_.one_in(plan_.sleepy ? 6 : 60)) return 0;
  return 100 * chance_.between(1, plan_.sleepy ? 25 : 3);
}

void World::after(uint64_t delay_ms, std::function<void()> work) {
  timers_.push_back(std::make_unique<Timer>(kernel_, std::move(work)));
  timers_.back()->deadline.set(delay_ms);
}

void World::register_end(ProxyEnd& end) {
  ends_.push_back(end);
  if (end.kind() == ProxyEnd::Kind::client) return;
  trace("the proxy dials {}", end.authority());
}

void World::accept_upstream(std::unique_ptr<test::MemoryStream> stream,
                            const DialedOrigin& origin) {
  upstreams_.push_back(std::make_unique<SimUpstream>(*this, std::move(stream), origin));
}

// The schedule.

void World::run() {
  for (uint32_t i = 0; i < plan_.clients; ++i)
    after(chance_.one_in(2) ? 0 : chance_.below(5'000), [this] { spawn_client(); });
  for (uint32_t i = 0; i < plan_.reloads; ++i)
    after(chance_.below(8'000), [this] { reload(); });
  if (plan_.drain) after(chance_.below(8'000), [this] { drain(); });
  settle();
  while (!is_over())
    advance();
  shut_down();
  check_empty();
  access_log_.reset();  // writes what waits
  judge(*this, read_log());
}

bool World::is_over() const {
  const bool all_came = clients_spawned_ == plan_.clients || environment_.draining;
  return all_came && metrics_.client_connections_open.value() == 0 &&
         std::all_of(
             clients_.begin(), clients_.end(), [](const auto& client) { return client->done(); });
}

// To the next moment at which something is due.
void World::advance() {
  const uint64_t ours = kernel_.timers().next_ms();
  const uint64_t theirs = proxy_.timers().next_ms();
  if (ours == 0 && theirs == 0) {
    std::string states;
    for (const auto& client : clients_) {
      if (!client->done()) states += "\n" + client->state();
    }
    fail("nothing will ever happen again, but {} requests are open{}",
         metrics_.exchanges_open.value(),
         states);
  }
  uint64_t next_ms = std::min(ours == 0 ? theirs : ours, theirs == 0 ? ours : theirs);
  next_ms = std::max(next_ms, proxy_.now_ms() + 1);
  if (chance_.one_in(2)) {
    proxy_.advance(next_ms);
    kernel_.advance(next_ms);
  } else {
    kernel_.advance(next_ms);
    proxy_.advance(next_ms);
  }
  settle();
}

// Runs until the network is quiet. Each round through the kernel's queue is a poll of the proxy's
// loop: what it deferred and buried comes behind several events, as in production.
void World::settle() {
  kernel_.defer(turn_);
  kernel_.end_turn();
  check_bounds();
  for (const auto& client : clients_)
    client->check_patience();
}

void World::on_turn() {
  if (++turns_ > turns_max) fail("the schedule does not end");
  const bool last = !kernel_.turn_pending();
  if (last || !chance_.one_in(3)) proxy_.end_turn();
  if (kernel_.turn_pending() || proxy_.turn_pending()) kernel_.defer(turn_);
}

void World::check_bounds() {
  uint64_t clients_open = 0;
  uint64_t upstreams_open = 0;
  ends_.for_each([&](const ProxyEnd& end) {
    uint64_t& count = end.kind() == ProxyEnd::Kind::client ? clients_open : upstreams_open;
    count += end.open() ? 1 : 0;
  });
  if (clients_open != metrics_.client_connections_open.value()) {
    fail("{} clients are open, {} are counted",
         clients_open,
         metrics_.client_connections_open.value());
  }
  if (upstreams_open != metrics_.upstream_connections_open.value()) {
    fail("{} upstream connections are open, {} are counted",
         upstreams_open,
         metrics_.upstream_connections_open.value());
  }
  const size_t buffer_bytes_max =
      replay_bytes_max_ + 2 * net::Loop::read_scratch_bytes + 3 * base::BlockPool::block_bytes;
  const uint64_t exchanges = metrics_.exchanges_open.value();
  if (proxy_.blocks().bytes_in_use() > exchanges * buffer_bytes_max) {
    fail("{} bytes are buffered for {} requests", proxy_.blocks().bytes_in_use(), exchanges);
  }
  for (const std::weak_ptr<upstream::UpstreamPool>& weak : pools_) {
    if (const std::shared_ptr<upstream::UpstreamPool> pool = weak.lock()) check_idle(*pool);
  }
  if (!environment_.snapshot) return;
  for (const auto* pools :
       {&environment_.snapshot->pools(), &environment_.snapshot->foreign_pools()}) {
    for (const auto& [key, pool] : *pools)
      check_idle(*pool);
  }
}

void World::check_idle(const upstream::UpstreamPool& pool) const {
  if (pool.idle_count() > pool.config().pool.idle_max) fail("too many idle connections");
}

// Clients.

Request& World::draw_request(bool is_last) {
  Request& request = requests_.emplace_back();
  request.id = static_cast<uint32_t>(requests_.size() - 1);
  if (chance_.one_in(is_last ? 4 : 12)) {
    request.method = "GET";
    request.upgrade = true;
    request.tunnel_wanted = is_last && !chance_.one_in(4);  // none can follow
    request.tunnel_early = request.tunnel_wanted && chance_.one_in(2);
    request.tunnel_up_bytes = draw_size(chance_, plan_);
    request.tunnel_down_bytes = draw_size(chance_, plan_);
    return request;
  }
  request.method =
      chance_.pick({"GET", "HEAD", "POST", "POST", "POST", "PUT", "DELETE", "OPTIONS"});
  request.preflight = request.method == "OPTIONS" && chance_.one_in(2);
  request.version_minor = chance_.one_in(8) ? 0 : 1;
  request.asks_close = is_last && chance_.one_in(4);
  request.idempotency_key = chance_.one_in(8);
  if (request.method == "POST" || request.method == "PUT") {
    const bool chunked = request.version_minor > 0 && chance_.one_in(2);
    request.body = chunked ? BodyKind::chunked : BodyKind::length;
    request.body_bytes = draw_size(chance_, plan_);
    request.trailers = chunked && chance_.one_in(4);
    request.expects_continue =
        request.version_minor > 0 && chance_.one_in(6) && (chunked || request.body_bytes > 0);
  }
  request.malformed = plan_.faults.client_malformed && chance_.one_in(5);
  return request;
}

void World::spawn_client() {
  if (environment_.draining) return;
  ++clients_spawned_;
  std::vector<Request*> requests;
  const uint64_t count = chance_.between(1, plan_.requests_max);
  for (uint64_t i = 0; i < count; ++i)
    requests.push_back(&draw_request(i + 1 == count));
  test::MemoryNetwork::Pair pair = network_.make_pair(base::Side::client, base::Side::none);
  clients_.push_back(
      std::make_unique<SimClient>(*this, std::move(pair.second), std::move(requests)));
  client::H1Client::start(proxy_clients_,
                          std::make_unique<ProxyEnd>(*this, std::move(pair.first)),
                          *net::Address::parse("192.0.2.1", 0),
                          entrance_);
}

// What a worker does with its connections.

proxy::SnapshotRef World::compile() {
  const std::shared_ptr<const config::Config> config = draw_config(chance_, plan_);
  configs_.push_back(config);
  posts_may_run_twice_ = posts_may_run_twice_ || config->routes.front().retry_posts;
  replay_bytes_max_ = std::max(replay_bytes_max_, config->limits.replay_bytes_max);
  const auto make_dialer = [this](const server::Destination& to) {
    return std::make_unique<SimDialer>(
        *this, DialedOrigin{to.origin.authority(), to.origin != to.config.url.origin});
  };
  return server::compile(proxy_, metrics_, config, nullptr, nullptr, make_dialer);
}

// All of the current snapshot's are to be gone in the end.
void World::note_pools() {
  for (const auto* pools :
       {&environment_.snapshot->pools(), &environment_.snapshot->foreign_pools()}) {
    for (const auto& [key, pool] : *pools)
      pools_.push_back(pool);
  }
}

void World::reload() {
  if (environment_.draining) return;
  trace("reload");
  note_pools();
  const proxy::SnapshotRef former = std::exchange(environment_.snapshot, compile());
  former->retire();
}

void World::drain() {
  trace("drain");
  environment_.draining = true;
  proxy_clients_.sessions.for_each([](client::ClientSession& client) { client.drain(); });
  if (!plan_.faults.stop) return;
  after(chance_.below(5'000), [this] {
    trace("stop");
    environment_.stopping = true;
    proxy_clients_.sessions.for_each([](client::ClientSession& client) { client.cut(); });
  });
}

// The end.

void World::shut_down() {
  note_pools();
  environment_.snapshot->retire();
  environment_.snapshot.reset();
  settle();
}

void World::check_empty() {
  if (!proxy_clients_.sessions.empty()) fail("a client's connection is left");
  if (metrics_.exchanges_open.value() != 0) fail("a request is left");
  if (metrics_.upstream_connections_open.value() != 0) fail("an upstream connection is left");
  if (!ends_.empty()) fail("a connection outlives the worker");
  if (proxy_.turn_pending()) fail("work is left");
  for (const auto& config : configs_) {
    if (!config.expired()) fail("a configuration is left");
  }
  for (const auto& pool : pools_) {
    if (!pool.expired()) fail("a pool is left");
  }
  if (proxy_.blocks().bytes_in_use() != 0) fail("buffers are left");
}

std::string World::read_log() const {
  std::string text(static_cast<size_t>(lseek(log_fd_, 0, SEEK_END)), '\0');
  if (pread(log_fd_, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
    fail("the access log cannot be read");
  }
  return text;
}

}  // namespace sim
