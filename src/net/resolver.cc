#include "net/resolver.h"

#include <algorithm>
#include <array>
#include <utility>

#include <uv.h>

#include "base/check.h"
#include "base/log.h"
#include "net/error_text.h"

namespace net {
namespace {

// How long a family that worked is tried first (RFC 8305 8: on the order of ten minutes).
constexpr uint64_t preference_ms = 600'000;
// For so long after a name's last use it is kept up to date: about as long as connections are idle.
constexpr uint64_t keep_up_ms = 60'000;

// In any order.
bool are_same(std::span<const Address> a, std::span<const Address> b) {
  const auto contains = [](std::span<const Address> all, const Address& one) {
    return std::any_of(
        all.begin(), all.end(), [&](const Address& each) { return each.bytes() == one.bytes(); });
  };
  return std::all_of(a.begin(), a.end(), [&](const Address& one) { return contains(b, one); }) &&
         std::all_of(b.begin(), b.end(), [&](const Address& one) { return contains(a, one); });
}

void log_answer(const std::string& host, const NameAnswer& answer) {
  if (!base::log_enabled(base::LogLevel::debug)) return;
  if (answer.error != 0) {
    base::log_debug("name {}: {}", host, name_error_text(answer.error));
    return;
  }
  std::string addresses;
  for (const Address& each : answer.addresses)
    addresses += (addresses.empty() ? "" : ", ") + each.host_text();
  base::log_debug("name {}: is at {}, for {} ms", host, addresses, answer.fresh_ms);
}

}  // namespace

struct Resolver::Entry {
  std::vector<Address> addresses;  // of the last lookup that worked
  uint64_t answered_ms = 0;
  uint64_t fresh_ms = 0;  // from then on
  int error = 0;          // of the last lookup, 0 if it worked
  uint64_t failed_ms = 0;
  uint64_t last_use = 0;  // of uses_
  uint64_t used_ms = 0;
  int preferred_family = AF_UNSPEC;
  uint64_t preferred_until_ms = 0;
  bool running = false;
  base::IntrusiveList<Query> waiting;
};

Resolver::Resolver(UvLoop& loop, NameSource& source, const ResolverTimes& times)
    : loop_(loop),
      source_(source),
      times_(times),
      answers_(std::make_shared<Mailbox>(loop)),
      answer_ready_(this, [](void* self) { static_cast<Resolver*>(self)->answer_ready(); }),
      refresh_(
          loop.timers(), this, [](void* self) { static_cast<Resolver*>(self)->refresh_used(); }) {
  answers_->set_keeps_running(false);
}

Resolver::~Resolver() {
  close();
}

void Resolver::close() {
  refresh_.clear();
  answers_->close();
}

void Resolver::resolve(std::string_view host, Query& query) {
  CHECK(!query.is_linked());
  query.host_ = host;
  Entry* entry = Address::parse(host, 0) ? nullptr : find_or_make(host);
  if (entry != nullptr) {
    entry->last_use = ++uses_;
    entry->used_ms = loop_.now_ms();
    if (needs_lookup(*entry)) start_lookup(query.host_, *entry);
    if (!is_fresh(*entry) && entry->running) {
      entry->waiting.push_back(query);
      return;
    }
  }
  ready_.push_back(query);
  loop_.defer(answer_ready_);
}

bool Resolver::is_fresh(const Entry& entry) const {
  return can_serve(entry) && loop_.now_ms() - entry.answered_ms < entry.fresh_ms;
}

bool Resolver::needs_lookup(const Entry& entry) const {
  const bool just_failed = entry.error != 0 && loop_.now_ms() - entry.failed_ms < times_.failure_ms;
  return !is_fresh(entry) && !just_failed && !entry.running;
}

void Resolver::refresh(std::string_view host) {
  const auto found = entries_.find(host);
  if (found == entries_.end()) return;
  found->second->last_use = ++uses_;
  found->second->used_ms = loop_.now_ms();
  if (needs_lookup(*found->second)) start_lookup(found->first, *found->second);
}

bool Resolver::leads_to(std::string_view host, const Address& address) const {
  const auto found = entries_.find(host);
  if (found == entries_.end() || !can_serve(*found->second)) return true;
  const std::vector<Address>& addresses = found->second->addresses;
  return std::any_of(addresses.begin(), addresses.end(), [&](const Address& each) {
    return each.bytes() == address.bytes();
  });
}

bool Resolver::can_serve(const Entry& entry) const {
  return !entry.addresses.empty() && loop_.now_ms() - entry.answered_ms < times_.stale_ms_max;
}

// The entry of `host`, new if need be; nullptr when all are in use.
Resolver::Entry* Resolver::find_or_make(std::string_view host) {
  const auto found = entries_.find(host);
  if (found != entries_.end()) return found->second.get();
  if (entries_.size() >= names_max) {
    auto oldest = entries_.end();
    for (auto it = entries_.begin(); it != entries_.end(); ++it) {
      if (it->second->running) continue;
      if (oldest == entries_.end() || it->second->last_use < oldest->second->last_use) oldest = it;
    }
    if (oldest == entries_.end()) return nullptr;
    entries_.erase(oldest);
  }
  return entries_.emplace(host, std::make_unique<Entry>()).first->second.get();
}

void Resolver::start_lookup(const std::string& host, Entry& entry) {
  ++lookups_;
  base::log_debug("name {}: looked up", host);
  entry.running = true;
  // Somebody waits: the loop must not end before the answer.
  if (running_++ == 0) answers_->set_keeps_running(true);
  source_.ask(host, [this, host, answers = answers_](const NameAnswer& answer) {
    answers->post([this, host, answer] { finish_lookup(host, answer); });
  });
}

void Resolver::finish_lookup(const std::string& host, const NameAnswer& answer) {
  if (--running_ == 0) answers_->set_keeps_running(false);
  const auto it = entries_.find(host);
  CHECK(it != entries_.end());  // entries with a running lookup stay
  log_answer(host, answer);
  Entry& entry = *it->second;
  entry.running = false;
  entry.error = answer.error;
  if (entry.error == 0) {
    take_addresses(entry, answer);
  } else {
    entry.failed_ms = loop_.now_ms();
  }
  set_refresh();
  while (Query* query = entry.waiting.pop_front())
    ready_.push_back(*query);
  answer_ready();
}

void Resolver::take_addresses(Entry& entry, const NameAnswer& answer) {
  std::vector<Address> addresses = answer.addresses;
  // A family that nobody has answered for has not moved.
  for (const Address& known : entry.addresses) {
    const bool is_missing =
        std::none_of(answer.addresses.begin(), answer.addresses.end(), [&](const Address& each) {
          return each.family() == known.family();
        });
    if (!answer.is_whole && is_missing) addresses.push_back(known);
  }
  if (!entry.addresses.empty() && !are_same(entry.addresses, addresses)) ++changes_;
  entry.addresses = std::move(addresses);
  entry.answered_ms = loop_.now_ms();
  entry.fresh_ms = std::min(answer.fresh_ms, times_.fresh_ms_max);
}

// Without it a name that is reused seldom would be found to have moved one request too late.
void Resolver::refresh_used() {
  const uint64_t now = loop_.now_ms();
  for (const auto& [host, entry] : entries_) {
    if (now - entry->used_ms < keep_up_ms && needs_lookup(*entry)) start_lookup(host, *entry);
  }
  set_refresh();
}

void Resolver::set_refresh() {
  const uint64_t now = loop_.now_ms();
  uint64_t next_ms = UINT64_MAX;
  for (const auto& [host, entry] : entries_) {
    if (entry->running || entry->error != 0 || now - entry->used_ms >= keep_up_ms) continue;
    next_ms = std::min(next_ms, entry->answered_ms + entry->fresh_ms);
  }
  if (next_ms == UINT64_MAX) {
    refresh_.clear();
  } else {
    refresh_.set(std::max(next_ms, now + 1) - now);
  }
}

void Resolver::answer_ready() {
  // Taken out first: who is told may ask again.
  base::IntrusiveList<Query> ready;
  while (Query* query = ready_.pop_front())
    ready.push_back(*query);
  while (Query* query = ready.pop_front())
    answer(*query);
}

void Resolver::answer(Query& query) {
  if (const auto literal = Address::parse(query.host_, 0)) {
    query.done_(query.owner_, {&*literal, 1}, 0);
    return;
  }
  const auto it = entries_.find(query.host_);
  if (it == entries_.end() || !can_serve(*it->second)) {
    // Without an entry or an error of its own: all names are in use.
    const int error = it == entries_.end() ? 0 : it->second->error;
    query.done_(query.owner_, {}, error != 0 ? error : UV_EAI_AGAIN);
    return;
  }
  // A copy: who is told may make the entry go.
  const Entry& entry = *it->second;
  std::array<Address, addresses_max> addresses;
  const size_t count = std::min(entry.addresses.size(), addresses.size());
  std::copy_n(entry.addresses.begin(), count, addresses.begin());
  if (loop_.now_ms() < entry.preferred_until_ms) {
    std::stable_partition(
        addresses.begin(),
        addresses.begin() + static_cast<ptrdiff_t>(count),
        [&entry](const Address& address) { return address.family() == entry.preferred_family; });
  }
  query.done_(query.owner_, {addresses.data(), count}, 0);
}

void Resolver::prefer(std::string_view host, const Address& address) {
  const auto found = entries_.find(host);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  const uint64_t now = loop_.now_ms();
  // Not prolonged: after a while the system's own order gets another chance.
  if (entry.preferred_family == address.family() && now < entry.preferred_until_ms) return;
  entry.preferred_family = address.family();
  entry.preferred_until_ms = now + preference_ms;
}

}  // namespace net
