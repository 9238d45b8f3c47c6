#include "net/name_service.h"

#include <algorithm>
#include <arpa/inet.h>
#include <future>
#include <map>
#include <utility>
#include <vector>

#include <uv.h>

#include "base/ascii.h"
#include "base/check.h"
#include "base/file_stamp.h"
#include "base/log.h"
#include "base/read_file.h"
#include "net/address_order.h"
#include "net/error_text.h"
#include "net/mailbox.h"
#include "net/name_lookup.h"
#include "net/uv_loop.h"

namespace net {
namespace {

constexpr size_t file_bytes_max = 16 * 1024 * 1024;

std::string text_of(const std::string& path) {
  auto text = base::read_file(path, file_bytes_max);
  return text ? *std::move(text) : std::string();
}

bool is_localhost(std::string_view name) {
  return name == "localhost" || name.ends_with(".localhost");
}

}  // namespace

// All that lives on the service's thread.
struct NameService::Inside final : NameLookup::Listener {
  struct Entry {
    Entry(UvLoop& loop, Inside& inside, std::string name)
        : host(std::move(name)), owner(inside), patience(loop.timers(), this, [](void* self) {
            auto& entry = *static_cast<Entry*>(self);
            entry.owner.on_impatient(entry);
          }) {}
    std::string host;
    Inside& owner;
    std::vector<Address> in_hosts;  // what the hosts file has for it
    uint64_t hosts_version = 0;     // of that file; 0: not looked at yet
    NameAnswer good;                // the last that was
    uint64_t good_ms = 0;           // when
    int error = 0;                  // of the last lookup
    uint64_t fresh_until_ms = 0;
    uint64_t last_use = 0;
    bool is_failing = false;  // and that was logged
    std::vector<NameSource::Done> waiting;
    std::unique_ptr<NameLookup> lookup;
    bool is_overdue = false;  // patience with the running lookup is over
    Deadline patience;
  };

  Inside(const NameFiles& files, const NameTimes& lasting)
      : hosts_file(files.hosts),
        conf_file(files.resolv_conf),
        port(files.port),
        times(lasting),
        mailbox(loop) {}

  void look_up(const std::string& host, NameSource::Done done);
  Entry* find_or_make(const std::string& host);
  void read_changed_conf();
  void start(Entry& entry);
  bool answer_from_files(Entry& entry);
  void settle(Entry& entry, NameAnswer answer) const;
  void fail(Entry& entry, int error);
  void log_failure(Entry& entry, int error) const;
  void reply_all(Entry& entry, uint64_t fresh_ms, bool is_whole) const;
  void on_impatient(Entry& entry) const;
  [[nodiscard]] bool can_serve(const Entry& entry) const;
  [[nodiscard]] Entry& entry_of(const NameLookup& lookup);
  void on_some(NameLookup& lookup, NameAnswer answer) override;
  void on_found(NameLookup& lookup, NameAnswer answer) override;

  base::FileVersions hosts_file;
  base::FileVersions conf_file;
  uint16_t port;
  NameTimes times;
  UvLoop loop;
  Mailbox mailbox;
  uint64_t conf_version = 0;  // 0: not read yet
  ResolvConf conf;
  NameServers servers;
  std::map<std::string, std::unique_ptr<Entry>> entries;
  uint64_t uses = 0;
};

NameService::NameService(NameFiles files, const NameTimes& times)
    : files_(std::move(files)), times_(times) {}

NameService::~NameService() {
  if (inside_ == nullptr) return;
  inside_->mailbox.post([inside = inside_.get()] {
    for (auto& [host, entry] : inside->entries) {
      if (entry->lookup != nullptr) inside->loop.bury(std::move(entry->lookup));
    }
    inside->entries.clear();
    inside->loop.end_turn();
    inside->servers.clear();
    inside->mailbox.close();
  });
  thread_.join();
}

void NameService::ask(const std::string& host, Done done) {
  const std::lock_guard lock(mutex_);
  if (inside_ == nullptr) {
    inside_ = std::make_unique<Inside>(files_, times_);
    thread_ = std::thread([inside = inside_.get()] { inside->loop.run(); });
  }
  inside_->mailbox.post(
      [inside = inside_.get(), host, done = std::move(done)] { inside->look_up(host, done); });
}

NameAnswer NameService::ask_and_wait(const std::string& host) {
  auto promise = std::make_shared<std::promise<NameAnswer>>();
  std::future<NameAnswer> answer = promise->get_future();
  ask(host, [promise](const NameAnswer& found) { promise->set_value(found); });
  return answer.get();
}

void NameService::Inside::look_up(const std::string& host, NameSource::Done done) {
  read_changed_conf();
  Entry* const entry = find_or_make(base::in_lower_case(host));
  if (entry == nullptr) {  // all names are in use
    done({.addresses = {}, .error = UV_EAI_AGAIN, .fresh_ms = times.failure_ms});
    return;
  }
  entry->last_use = ++uses;
  entry->waiting.push_back(std::move(done));
  if (loop.now_ms() < entry->fresh_until_ms) {
    reply_all(*entry, entry->fresh_until_ms - loop.now_ms(), entry->good.is_whole);
    return;
  }
  if (entry->lookup == nullptr) start(*entry);
  if (entry->waiting.empty()) return;  // answered at once
  if (entry->is_overdue && can_serve(*entry)) {
    reply_all(*entry, times.failure_ms, false);
  } else if (!entry->patience.is_set()) {
    entry->patience.set(can_serve(*entry) ? times.patience_ms : times.patience_without_ms);
  }
}

bool NameService::Inside::can_serve(const Entry& entry) const {
  return !entry.good.addresses.empty() && loop.now_ms() - entry.good_ms < times.stale_ms_max;
}

NameService::Inside::Entry* NameService::Inside::find_or_make(const std::string& host) {
  const auto found = entries.find(host);
  if (found != entries.end()) return found->second.get();
  if (entries.size() >= names_max) {
    auto oldest = entries.end();
    for (auto it = entries.begin(); it != entries.end(); ++it) {
      if (it->second->lookup != nullptr) continue;
      if (oldest == entries.end() || it->second->last_use < oldest->second->last_use) oldest = it;
    }
    if (oldest == entries.end()) return nullptr;
    entries.erase(oldest);
  }
  return entries.emplace(host, std::make_unique<Entry>(loop, *this, host)).first->second.get();
}

// Another network may have other name servers: what runs is asked of these anew.
void NameService::Inside::read_changed_conf() {
  const uint64_t version = conf_file.current();
  if (conf_version == version) return;
  const bool is_first = conf_version == 0;
  conf_version = version;
  ResolvConf read = parse_resolv_conf(text_of(conf_file.path()), port);
  if (!is_first && read == conf) return;
  conf = std::move(read);
  NameServers former = std::exchange(servers, {});
  for (const Address& address : conf.servers)
    servers.push_back(std::make_unique<NameServer>(loop, address));
  if (!is_first)
    base::log_info("{} has changed: other name servers are asked from now on", conf_file.path());
  for (const auto& [host, entry] : entries) {
    if (entry->lookup != nullptr) {
      entry->lookup->cancel();
      loop.bury(std::move(entry->lookup));
      start(*entry);
    } else if (entry->error != 0) {
      entry->fresh_until_ms = 0;
    }
  }
}

void NameService::Inside::start(Entry& entry) {
  entry.is_overdue = false;
  if (answer_from_files(entry)) return;
  entry.lookup = std::make_unique<NameLookup>(loop, servers, names_to_ask(conf, entry.host), *this);
}

// What needs no name server.
bool NameService::Inside::answer_from_files(Entry& entry) {
  std::string name = entry.host;
  if (name.ends_with('.')) name.pop_back();
  NameAnswer answer;
  in_addr v4{};
  if (::inet_aton(name.c_str(), &v4) != 0) {  // "127.1"
    sockaddr_in system{};
    system.sin_family = AF_INET;
    system.sin_addr = v4;
    answer.addresses = {Address::from_system(reinterpret_cast<const sockaddr*>(&system))};
  } else {
    const uint64_t version = hosts_file.current();
    if (std::exchange(entry.hosts_version, version) != version) {
      entry.in_hosts = find_host(text_of(hosts_file.path()), name);
    }
    answer.addresses = entry.in_hosts;
    if (answer.addresses.empty() && is_localhost(name)) {  // RFC 6761 6.3
      answer.addresses = {*Address::parse("::1", 0), *Address::parse("127.0.0.1", 0)};
    }
    sort_by_preference(answer.addresses);
  }
  if (answer.addresses.empty()) return false;
  answer.fresh_ms = times.fresh_ms_of_files;
  settle(entry, std::move(answer));
  return true;
}

// `answer` is good and serves from now on.
void NameService::Inside::settle(Entry& entry, NameAnswer answer) const {
  const uint64_t fresh_ms = std::clamp(answer.fresh_ms, times.fresh_ms_min, times.fresh_ms_max);
  if (std::exchange(entry.is_failing, false)) {
    base::log_info("the name {} can be looked up again", entry.host);
  }
  entry.good = std::move(answer);
  entry.good_ms = loop.now_ms();
  entry.error = 0;
  entry.fresh_until_ms = loop.now_ms() + fresh_ms;
  reply_all(entry, fresh_ms, entry.good.is_whole);
}

void NameService::Inside::fail(Entry& entry, int error) {
  log_failure(entry, error);
  entry.error = error;
  const uint64_t again_ms = can_serve(entry) ? times.retry_ms : times.failure_ms;
  entry.fresh_until_ms = loop.now_ms() + again_ms;
  reply_all(entry, again_ms, false);
}

// A name that never worked is its asker's to report.
void NameService::Inside::log_failure(Entry& entry, int error) const {
  if (!can_serve(entry) || std::exchange(entry.is_failing, true)) return;
  base::log_warning(
      "the name {} can no longer be looked up: {}; going on with the addresses known for {} "
      "minutes",
      entry.host,
      name_error_text(error),
      times.stale_ms_max / 60'000);
}

// With what is known: the last good answer, else the error.
void NameService::Inside::reply_all(Entry& entry, uint64_t fresh_ms, bool is_whole) const {
  entry.patience.clear();
  NameAnswer answer;
  if (can_serve(entry)) {
    answer = entry.good;
  } else {
    answer.error = entry.error != 0 ? entry.error : UV_EAI_AGAIN;
  }
  answer.fresh_ms = fresh_ms;
  answer.is_whole = is_whole;
  for (const NameSource::Done& done : std::exchange(entry.waiting, {}))
    done(answer);
}

void NameService::Inside::on_impatient(Entry& entry) const {
  entry.is_overdue = true;
  entry.error = UV_EAI_AGAIN;
  log_failure(entry, UV_EAI_AGAIN);
  reply_all(entry, times.failure_ms, false);
}

NameService::Inside::Entry& NameService::Inside::entry_of(const NameLookup& lookup) {
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& each) {
    return each.second->lookup.get() == &lookup;
  });
  CHECK(found != entries.end());
  return *found->second;
}

void NameService::Inside::on_some(NameLookup& lookup, NameAnswer answer) {
  Entry& entry = entry_of(lookup);
  entry.good = std::move(answer);
  entry.good_ms = loop.now_ms();
  entry.error = 0;
  entry.is_overdue = true;  // who comes now gets these at once
  reply_all(entry, times.failure_ms, false);
}

void NameService::Inside::on_found(NameLookup& lookup, NameAnswer answer) {
  Entry& entry = entry_of(lookup);
  loop.bury(std::move(entry.lookup));
  answer.error == 0 ? settle(entry, std::move(answer)) : fail(entry, answer.error);
}

}  // namespace net
