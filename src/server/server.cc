#include "server/server.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <mutex>
#include <set>
#include <sys/stat.h>
#include <thread>
#include <utility>
#include <vector>

#include "base/descriptor_limit.h"
#include "base/file_stamp.h"
#include "base/log.h"
#include "config/load.h"
#include "deploy/certificate_watch.h"
#include "deploy/listener_tls.h"
#include "local/https_redirect.h"
#include "net/name_service.h"
#include "observe/access_log.h"
#include "server/admin.h"
#include "server/books.h"
#include "server/loops.h"
#include "server/worker.h"

namespace server {

namespace {

// Descriptors beside connections: loops, listeners, logs, name lookups.
constexpr uint64_t reserved_fds = 32;
constexpr uint64_t reserved_fds_per_worker = 16 + net::Farewell::held_max;

observe::LogFormat format_of(const config::Log& log) {
  return log.format == config::LogFormat::json ? observe::LogFormat::json
                                               : observe::LogFormat::text;
}

net::ListenAddress address_of(const config::Listen& listen) {
  return {.host = listen.host, .port = listen.port, .unix_path = listen.unix_path};
}

config::Listen listen_of(const net::ListenAddress& address) {
  return {.host = address.host, .port = address.port, .unix_path = address.unix_path};
}

bool is_same_listener(const config::Listen& a, const config::Listen& b) {
  config::Listen alike = b;
  alike.tls = a.tls;
  return a == alike && a.tls.has_value() == b.tls.has_value();
}

bool are_same_listeners(const std::vector<config::Listen>& a,
                        const std::vector<config::Listen>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), is_same_listener);
}

// Whether there are descriptors to start with; all are tried, since some may be open already.
bool are_descriptors_enough(uint32_t workers) {
  constexpr uint32_t least = 16;
  constexpr uint32_t least_per_worker = 8;
  std::vector<base::Fd> tried;
  for (uint32_t i = 0; i < least + least_per_worker * workers; ++i) {
    tried.emplace_back(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!tried.back() && errno == EMFILE) return false;
  }
  return true;
}

// The keys that differ and stay as they were at the start, joined by commas; empty: none does.
std::string changed_but_kept(const config::Config& now,
                             const config::Config& before,
                             bool same_listeners) {
  std::string keys;
  const auto add = [&](bool changed, std::string_view key) {
    if (changed) keys += fmt::format("{}{}", keys.empty() ? "" : ", ", key);
  };
  add(!same_listeners, "listen");
  add(now.workers != before.workers, "workers");
  add(now.admin.listen != before.admin.listen, "admin.listen");
  add(now.limits.connections_max != before.limits.connections_max, "limits.connections_max");
  add(now.state.file != before.state.file, "state.file");
  return keys;
}

// Of the first https address there is; without one, say with a front server that speaks it, its
// usual port.
uint16_t https_port(const std::vector<config::Listen>& listeners) {
  const auto https = std::find_if(listeners.begin(), listeners.end(), [](const auto& each) {
    return each.tls && each.unix_path.empty();
  });
  return https != listeners.end() && https->port != 0 ? https->port : 443;
}

// Each client connection may need one to the upstream.
uint32_t connections_for(uint64_t fds, size_t workers) {
  const uint64_t reserved = reserved_fds + reserved_fds_per_worker * workers;
  const uint64_t free = fds > reserved ? (fds - reserved) / 2 : 1;
  return static_cast<uint32_t>(std::clamp<uint64_t>(free, 1, UINT32_MAX));
}

std::vector<base::FileStamp> stamps_of_secrets(const config::Config& config) {
  std::vector<base::FileStamp> stamps;
  for (const std::string& file : config::secret_files(config))
    stamps.push_back(base::stamp_of(file));
  return stamps;
}

}  // namespace

struct Server::State {
  std::shared_ptr<const config::Config> config;
  std::shared_ptr<const config::Config> started_with;  // what a reload cannot change is of it
  // What is listened on: the listeners of the start with the `tls` of the last reload.
  std::vector<config::Listen> listen_as;
  std::mutex reload_mutex;  // reload() and renew_certificates(): guards what they replace
  std::shared_ptr<const deploy::Deployment> deployment;
  deploy::ListenersTls tls;
  std::vector<base::FileStamp> secret_stamps;  // of the files that secrets come from
  std::vector<std::vector<base::FileStamp>>
      tls_refused;  // files found wrong, so that it is logged once
  deploy::CertificateWatch certificate_watch;
  observe::AccessLog access_log;
  Books books;
  accepting::SharedCounts shared;
  net::NameService names;
  fleet::Notices fleet_notices;
  std::vector<std::unique_ptr<local::Service>> services;  // of what `listen` says
  std::vector<std::unique_ptr<Worker>> workers;
  AdminService admin_service{{workers, access_log, shared, certificate_watch}};
  std::vector<std::thread> threads;
  std::vector<net::ListenAddress> listening;
  std::optional<net::ListenAddress> admin;
  net::InheritedSockets inherited;
  std::vector<int> sockets;  // the workers', to hand over

  base::Result<std::monostate, std::string> listen();
  void listen_admin();
  [[nodiscard]] proxy::Entrance entrance_of(const config::Listen& listen);
  [[nodiscard]] base::Result<net::BoundSockets, std::string> bind(const config::Listen& listen,
                                                                  size_t count);
  void accept_from(net::BoundSockets bound, size_t listener);
  void derive_limits();
  base::Result<std::monostate, std::string> set_memory_limit();
};

base::Result<net::BoundSockets, std::string> Server::State::bind(const config::Listen& listen,
                                                                 size_t count) {
  const net::ListenAddress address = address_of(listen);
  auto taken = inherited.take(address, count);
  if (!taken || !taken->sockets.empty()) return taken;
  return net::bind_listener(address, count);
}

// All are bound before anybody is accepted: whoever waits at an inherited socket is the
// predecessor's still if this fails.
base::Result<std::monostate, std::string> Server::State::listen() {
  std::vector<net::BoundSockets> all;
  for (const config::Listen& address : listen_as) {
    auto bound = bind(address, workers.size());
    if (!bound) return bound.error();
    listening.push_back(bound->address);
    shared.own_addresses.add(bound->address);
    all.push_back(*std::move(bound));
  }
  for (size_t i = 0; i < all.size(); ++i)
    accept_from(std::move(all[i]), i);
  return std::monostate{};
}

// A worker gets several of those inherited from a process with more workers, and at least one.
void Server::State::accept_from(net::BoundSockets bound, size_t listener) {
  std::vector<std::vector<base::Fd>> shares(workers.size());
  for (size_t i = 0; i < bound.sockets.size(); ++i) {
    sockets.push_back(bound.sockets[i].get());
    shares[i % shares.size()].push_back(std::move(bound.sockets[i]));
  }
  const config::Listen& listen = listen_as[listener];
  const proxy::Entrance entrance = entrance_of(listen);
  for (size_t i = 0; i < workers.size(); ++i)
    workers[i]->listen(std::move(shares[i]), listen, entrance, tls[listener]);
}

proxy::Entrance Server::State::entrance_of(const config::Listen& listen) {
  proxy::Entrance entrance{.is_https = listen.tls.has_value()};
  if (listen.redirect_to_https) {
    services.push_back(
        std::make_unique<local::HttpsRedirect>(https_port(listen_as), listen.acme_webroot));
    entrance.service = services.back().get();
  }
  return entrance;
}

// Not worth refusing to serve for: its default address is taken as soon as a second proxy runs.
void Server::State::listen_admin() {
  if (!config->admin.listen) return;
  auto bound = bind(*config->admin.listen, 1);
  if (!bound) {
    base::log_warning(
        "admin.listen: {}; going on without /healthz and /metrics, set another address or `off`",
        bound.error());
    return;
  }
  admin = bound->address;
  for (const base::Fd& socket : bound->sockets)
    sockets.push_back(socket.get());
  workers.front()->listen(std::move(bound->sockets),
                          *config->admin.listen,
                          proxy::Entrance{.service = &admin_service},
                          nullptr);
}

void Server::State::derive_limits() {
  const uint64_t fds = base::raise_descriptor_limit();
  const uint32_t possible = connections_for(fds, workers.size());
  const uint32_t wanted = config->limits.connections_max;
  shared.connections_max = wanted == 0 ? possible : wanted;
  if (wanted > possible) {
    base::log_warning(
        "limits.connections_max is {}, but `ulimit -n` is {}, which is enough for {}: beyond it "
        "connections wait; raise it (LimitNOFILE= in a systemd unit)",
        wanted,
        fds,
        possible);
  } else {
    base::log_info("up to {} client connections (`ulimit -n` is {})", shared.connections_max, fds);
  }
}

// Refuses a limit under which nothing could be served.
base::Result<std::monostate, std::string> Server::State::set_memory_limit() {
  base::MemoryLimit& memory = shared.memory;
  memory.set(config->memory_limit);
  if (config->memory_limit == 0) return std::monostate{};
  if (memory.is_tight()) {
    return fmt::format(
        "memory_limit is {} bytes, but the program alone holds {}: raise it, or set fewer "
        "`workers`",
        memory.limit_bytes(),
        memory.used_bytes());
  }
  base::log_info("memory_limit is {} bytes, of which the program alone holds {}",
                 memory.limit_bytes(),
                 memory.used_bytes());
  return std::monostate{};
}

Server::Server(std::shared_ptr<const config::Config> config) : state_(std::make_unique<State>()) {
  state_->config = std::move(config);
  state_->started_with = state_->config;
}

Server::~Server() {
  stop();
  wait();
}

base::Result<std::monostate, std::string> Server::start(net::InheritedSockets inherited) {
  State& state = *state_;
  state.inherited = std::move(inherited);
  const uint32_t cores = std::max(1U, std::thread::hardware_concurrency());
  const uint32_t count = state.config->workers != 0 ? state.config->workers : cores;
  const uint64_t fds = base::raise_descriptor_limit();
  if (!are_descriptors_enough(count)) {
    return fmt::format("`ulimit -n` is {}, too few for {} workers to start: raise it", fds, count);
  }
  const auto deployment = deploy::deploy(state.config, nullptr);
  if (!deployment) return deployment.error();
  state.deployment = *deployment;
  state.secret_stamps = stamps_of_secrets(*state.config);
  state.listen_as = state.config->listen;
  auto loaded = deploy::load_listeners_tls(state.listen_as, {});
  if (!loaded) return loaded.error();
  state.tls = *std::move(loaded);
  state.certificate_watch.use(state.listen_as, state.tls);
  state.tls_refused.resize(state.tls.size());
  auto opened = state.access_log.open(state.config->log.access, format_of(state.config->log));
  if (!opened) return opened.error();
  opened = state.books.open(*state.config, (*deployment)->gateway);
  if (!opened) return opened.error();

  for (uint32_t i = 0; i < count; ++i) {
    state.workers.push_back(std::make_unique<Worker>(*deployment,
                                                     state.access_log,
                                                     state.books.ledger(),
                                                     state.shared,
                                                     state.names,
                                                     state.fleet_notices));
  }
  state.derive_limits();
  // From here on a failure leaves workers that never ran: they run once, to end in good order.
  auto bound = state.set_memory_limit();
  if (bound) bound = state.listen();
  if (bound) state.listen_admin();
  // Requests that would go round in a circle are answered with an error; all others are served.
  for (const std::string& loop : find_loops(*state.config, state.shared.own_addresses))
    base::log_error("{}", loop);
  for (const std::string& address : state.inherited.left()) {
    base::log_warning(
        "inherited a socket that listens on {}, which neither `listen` nor `admin.listen` names: "
        "closed it",
        address);
  }
  state.inherited = {};
  for (const auto& worker : state.workers) {
    state.threads.emplace_back([&worker = *worker] { worker.run(); });
  }
  if (!bound) {
    stop();
    wait();
    return bound.error();
  }
  for (const net::ListenAddress& address : state.listening) {
    base::log_info("listening on {}", address.text());
  }
  return std::monostate{};
}

std::vector<config::Listen> Server::listening() const {
  std::vector<config::Listen> addresses;
  for (const net::ListenAddress& address : state_->listening)
    addresses.push_back(listen_of(address));
  return addresses;
}

std::optional<config::Listen> Server::admin_listening() const {
  if (!state_->admin) return std::nullopt;
  return listen_of(*state_->admin);
}

// Workers may share a socket; that one is inherited once.
std::vector<int> Server::listening_sockets() const {
  std::vector<int> unique;
  std::set<ino_t> seen;
  for (const int socket : state_->sockets) {
    struct stat file {};
    if (::fstat(socket, &file) == 0 && seen.insert(file.st_ino).second) unique.push_back(socket);
  }
  return unique;
}

base::Result<std::monostate, std::string> Server::reload(
    std::shared_ptr<const config::Config> config) {
  State& state = *state_;
  const std::lock_guard lock(state.reload_mutex);
  const auto deployment = deploy::deploy(config, state.deployment.get());
  if (!deployment) return deployment.error();
  const auto loops = find_loops(*config, state.shared.own_addresses);
  if (!loops.empty()) return loops.front();
  const bool same_listeners = are_same_listeners(config->listen, state.listen_as);
  const auto& listen_as = same_listeners ? config->listen : state.listen_as;
  auto loaded = deploy::load_listeners_tls(listen_as, state.tls);
  if (!loaded) return loaded.error();
  auto opened = state.access_log.open(config->log.access, format_of(config->log));
  if (!opened) return opened.error();
  const std::string kept = changed_but_kept(*config, *state.started_with, same_listeners);
  if (!kept.empty()) {
    base::log_warning("changed, but not taken over by a reload: {}; that takes a restart (SIGUSR2)",
                      kept);
  }
  state.listen_as = std::vector<config::Listen>(listen_as);
  state.tls = *std::move(loaded);
  state.certificate_watch.use(state.listen_as, state.tls);
  state.config = std::move(config);
  state.secret_stamps = stamps_of_secrets(*state.config);
  state.deployment = *deployment;
  state.shared.memory.set(state.config->memory_limit);
  base::set_log_level(state.config->log.level);
  state.books.follow((*deployment)->gateway);
  for (const auto& worker : state.workers) {
    worker->reload(*deployment);
    worker->renew_tls(state.tls);
  }
  return std::monostate{};
}

bool Server::has_certificates() const {
  const std::lock_guard lock(state_->reload_mutex);
  return std::any_of(
      state_->tls.begin(), state_->tls.end(), [](const auto& each) { return each != nullptr; });
}

void Server::renew_certificates() {
  State& state = *state_;
  const std::lock_guard lock(state.reload_mutex);
  bool renewed = false;
  for (size_t i = 0; i < state.tls.size(); ++i) {
    if (state.tls[i] == nullptr) continue;
    const config::Listen& listen = state.listen_as[i];
    const std::vector<base::FileStamp> stamps = deploy::stamps_of(*listen.tls);
    if (stamps == state.tls[i]->stamps) continue;
    auto loaded = deploy::load_listener_tls(*listen.tls, state.tls[i].get());
    if (loaded) {
      base::log_info("{}: certificates read again, their files have changed", listen.text());
      state.tls[i] = *std::move(loaded);
      renewed = true;
    } else if (stamps != state.tls_refused[i]) {
      state.tls_refused[i] = stamps;
      base::log_warning("{}: certificates have changed but the former ones stay: {}",
                        listen.text(),
                        loaded.error());
    }
  }
  if (!renewed) {
    state.certificate_watch.look();
    return;
  }
  state.certificate_watch.use(state.listen_as, state.tls);
  for (const auto& worker : state.workers)
    worker->renew_tls(state.tls);
}

bool Server::has_secret_files() const {
  const std::lock_guard lock(state_->reload_mutex);
  return !state_->secret_stamps.empty();
}

void Server::renew_secrets() {
  State& state = *state_;
  std::shared_ptr<const config::Config> config;
  {
    const std::lock_guard lock(state.reload_mutex);
    std::vector<base::FileStamp> stamps = stamps_of_secrets(*state.config);
    if (stamps == state.secret_stamps) return;
    state.secret_stamps = std::move(stamps);
    config = state.config;
  }
  auto again = config::with_secrets_read_again(*config);
  if (!again) {
    base::log_warning("a key or token has changed but the former one stays: {}", again.error());
    return;
  }
  const auto reloaded = reload(std::make_shared<const config::Config>(*std::move(again)));
  if (reloaded) {
    base::log_info("keys and tokens read again, their files have changed");
  } else {
    base::log_warning("a key or token has changed but the former one stays: {}", reloaded.error());
  }
}

void Server::reopen_logs() {
  state_->access_log.reopen();
}

void Server::drain() {
  state_->sockets.clear();
  for (const auto& worker : state_->workers)
    worker->drain();
}

void Server::stop() {
  state_->sockets.clear();
  for (const auto& worker : state_->workers)
    worker->stop();
}

void Server::wait() {
  for (std::thread& thread : state_->threads) {
    if (thread.joinable()) thread.join();
  }
  state_->threads.clear();
  state_->books.close();
  for (const net::ListenAddress& address : state_->listening)
    net::remove_socket_file(address);
  state_->listening.clear();
  if (state_->admin) net::remove_socket_file(*state_->admin);
  state_->admin.reset();
}

}  // namespace server
