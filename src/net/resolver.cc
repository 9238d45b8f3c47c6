#include "net/resolver.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"

namespace net {
namespace {

// How long a family that worked is tried first (RFC 8305 8: on the order of ten minutes).
constexpr uint64_t preference_ms = 600'000;

bool is_localhost(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost");
}

}  // namespace

struct Resolver::Entry {
  std::vector<Address> addresses;  // of the last lookup that worked
  uint64_t answered_ms = 0;
  int error = 0;  // of the last lookup, 0 if it worked
  uint64_t failed_ms = 0;
  uint64_t last_use = 0;  // of uses_
  int preferred_family = AF_UNSPEC;
  uint64_t preferred_until_ms = 0;
  Lookup* running = nullptr;
  base::IntrusiveList<Query> waiting;
};

// A running uv_getaddrinfo: outlives the Resolver if it must.
struct Resolver::Lookup : base::ListLink<Lookup> {
  uv_getaddrinfo_t request{};
  Resolver* owner = nullptr;
  std::string host;
};

Resolver::Resolver(UvLoop& loop, const ResolverTimes& times, SystemLookup lookup)
    : loop_(loop),
      times_(times),
      lookup_(lookup),
      answer_ready_(this, [](void* self) { static_cast<Resolver*>(self)->answer_ready(); }) {}

Resolver::~Resolver() {
  running_.for_each([](Lookup& lookup) {
    lookup.owner = nullptr;
    // Works only while it waits for a thread; else it ends on its own.
    uv_cancel(reinterpret_cast<uv_req_t*>(&lookup.request));
  });
}

void Resolver::resolve(std::string_view host, Query& query) {
  CHECK(!query.is_linked());
  query.host_ = host;
  const uint64_t now = loop_.now_ms();
  Entry* entry = Address::parse(host, 0) ? nullptr : find_or_make(host);
  if (entry != nullptr) {
    entry->last_use = ++uses_;
    const bool is_fresh = can_serve(*entry) && now - entry->answered_ms < times_.fresh_ms;
    const bool just_failed = entry->error != 0 && now - entry->failed_ms < times_.failure_ms;
    if (!is_fresh && !just_failed && entry->running == nullptr) start_lookup(query.host_, *entry);
    if (!can_serve(*entry) && entry->running != nullptr) {
      entry->waiting.push_back(query);
      return;
    }
  }
  ready_.push_back(query);
  loop_.defer(answer_ready_);
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
      if (it->second->running != nullptr) continue;
      if (oldest == entries_.end() || it->second->last_use < oldest->second->last_use) oldest = it;
    }
    if (oldest == entries_.end()) return nullptr;
    entries_.erase(oldest);
  }
  return entries_.emplace(host, std::make_unique<Entry>()).first->second.get();
}

void Resolver::start_lookup(const std::string& host, Entry& entry) {
  auto lookup = std::make_unique<Lookup>();
  lookup->request.data = lookup.get();
  lookup->owner = this;
  lookup->host = host;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  // Leaves out a family this machine has no address of. Loopback does not count as one, though,
  // and its names must still give both.
  if (!is_localhost(host)) hints.ai_flags = AI_ADDRCONFIG;
  ++lookups_;
  const auto done = [](uv_getaddrinfo_t* request, int status, addrinfo* found) {
    const std::unique_ptr<Lookup> ended(static_cast<Lookup*>(request->data));
    if (ended->owner != nullptr) ended->owner->finish_lookup(ended->host, status, found);
    uv_freeaddrinfo(found);
  };
  const int error =
      lookup_(loop_.uv(), &lookup->request, done, lookup->host.c_str(), nullptr, &hints);
  if (error != 0) {
    entry.error = error;
    entry.failed_ms = loop_.now_ms();
    return;
  }
  running_.push_back(*lookup);
  entry.running = lookup.release();
}

void Resolver::finish_lookup(const std::string& host, int status, const addrinfo* found) {
  const auto it = entries_.find(host);
  CHECK(it != entries_.end());  // entries with a running lookup stay
  Entry& entry = *it->second;
  entry.running = nullptr;
  std::vector<Address> addresses;
  for (; found != nullptr && addresses.size() < addresses_max; found = found->ai_next) {
    const Address address = Address::from_system(found->ai_addr);
    if (!address.is_none()) addresses.push_back(address);
  }
  entry.error = status == 0 && addresses.empty() ? UV_EAI_NODATA : status;
  if (entry.error == 0) {
    entry.addresses = std::move(addresses);
    entry.answered_ms = loop_.now_ms();
  } else {
    entry.failed_ms = loop_.now_ms();
  }
  while (Query* query = entry.waiting.pop_front())
    ready_.push_back(*query);
  answer_ready();
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
  const size_t count = entry.addresses.size();
  std::copy(entry.addresses.begin(), entry.addresses.end(), addresses.begin());
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
