#include "net/name_service.h"

#include <algorithm>
#include <array>
#include <future>
#include <limits>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <utility>

#include <uv.h>

#include "base/log.h"
#include "net/error_text.h"

namespace net {
namespace {

constexpr uint64_t never_ms = std::numeric_limits<uint64_t>::max();
constexpr const char* configuration_file = "/etc/resolv.conf";

uint64_t now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

// What tells that resolv.conf is another one.
struct Stamp {
  uint64_t inode = 0;
  uint64_t size = 0;
  int64_t seconds = 0;
  int64_t nanoseconds = 0;
  bool operator==(const Stamp&) const = default;

  static Stamp now() {
    struct stat file {};
    if (::stat(configuration_file, &file) != 0) return {};
    return {file.st_ino,
            static_cast<uint64_t>(file.st_size),
            file.st_mtim.tv_sec,
            file.st_mtim.tv_nsec};
  }
};

// Of two families' errors the one that says more of what to do: no server answered, rather than
// that there is no such name.
int graver(int a, int b) {
  constexpr std::array<int, 4> order = {UV_EAI_AGAIN, UV_EAI_FAIL, UV_EAI_MEMORY, UV_EAI_NONAME};
  for (const int error : order) {
    if (a == error || b == error) return error;
  }
  return a;
}

// RFC 6761 6.3: names that never leave this machine.
bool is_localhost(std::string_view host) {
  constexpr std::string_view name = "localhost";
  if (host.size() < name.size()) return false;
  const std::string_view end = host.substr(host.size() - name.size());
  const bool is_name = std::equal(
      end.begin(), end.end(), name.begin(), [](char a, char b) { return (a | 0x20) == b; });
  return is_name && (end.size() == host.size() || host[host.size() - name.size() - 1] == '.');
}

// Whether the kernel knows a way to `address`. A datagram socket's connect sends nothing.
bool is_reachable(Address address) {
  address.set_port(53);
  const Fd probe(::socket(address.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return probe.get() >= 0 && ::connect(probe.get(), address.system(), address.system_size()) == 0;
}

}  // namespace

void put_reachable_family_first(std::vector<Address>& addresses) {
  if (addresses.empty() || is_reachable(addresses.front())) return;
  const int family = addresses.front().family();
  std::stable_partition(addresses.begin(), addresses.end(), [family](const Address& address) {
    return address.family() != family;
  });
}

// What is known of a name, and who waits for more.
struct NameService::Name {
  std::vector<Done> waiting;
  NameChannel::Found ipv6;
  NameChannel::Found ipv4;
  int pending = 0;                 // families that have not answered
  uint64_t overdue_ms = never_ms;  // when the other family has had its time
  NameAnswer answer;
  uint64_t fresh_until_ms = 0;  // 0: never answered
  bool is_failing = false;      // and that was said
};

struct NameService::Channel {
  NameChannel channel;
  Stamp made_of = Stamp::now();
};

NameService::NameService(const NameTimes& times)
    : times_(times), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

NameService::~NameService() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  eventfd_write(wake_.get(), 1);
  if (thread_.joinable()) thread_.join();
}

void NameService::ask(const std::string& host, Done done) {
  if (wake_.get() < 0) {
    done({.error = UV_EMFILE, .fresh_ms = 0});
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    questions_.push_back({host, std::move(done)});
    if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  }
  eventfd_write(wake_.get(), 1);
}

NameAnswer NameService::ask_and_wait(const std::string& host) {
  auto promise = std::make_shared<std::promise<NameAnswer>>();
  std::future<NameAnswer> answer = promise->get_future();
  ask(host, [promise](const NameAnswer& found) { promise->set_value(found); });
  return answer.get();
}

void NameService::run() {
  std::vector<pollfd> polled;
  while (true) {
    std::vector<Question> questions;
    {
      const std::lock_guard lock(mutex_);
      if (stopping_) break;
      questions.swap(questions_);
    }
    for (Question& question : questions)
      take(std::move(question));
    polled.assign(1, {.fd = wake_.get(), .events = POLLIN, .revents = 0});
    const int timeout_ms = poll_timeout_ms(polled);
    static_cast<void>(::poll(polled.data(), polled.size(), timeout_ms));
    eventfd_t wakes = 0;
    eventfd_read(wake_.get(), &wakes);
    for (const auto& each : channels_)
      each->channel.process(polled);
    finish_overdue();
    std::erase_if(channels_, [this](const auto& each) {
      return each != channels_.back() && each->channel.waiting() == 0;
    });
  }
  channels_.clear();
}

int NameService::poll_timeout_ms(std::vector<pollfd>& polled) {
  uint64_t timeout_ms = never_ms;
  for (const auto& each : channels_) {
    const int wanted_ms = each->channel.prepare(polled);
    if (wanted_ms >= 0) timeout_ms = std::min(timeout_ms, static_cast<uint64_t>(wanted_ms));
  }
  const uint64_t now = now_ms();
  for (const auto& [host, name] : names_) {
    if (name.overdue_ms == never_ms) continue;
    timeout_ms = std::min(timeout_ms, name.overdue_ms - std::min(name.overdue_ms, now));
  }
  return timeout_ms == never_ms ? -1 : static_cast<int>(timeout_ms);
}

void NameService::take(Question question) {
  if (names_.size() >= names_max && !names_.contains(question.host)) forget_one();
  Name& name = names_[question.host];
  const uint64_t now = now_ms();
  const bool answered = name.fresh_until_ms != 0;
  // While a second family is late, what the first one said serves.
  if (answered && (now < name.fresh_until_ms || name.pending > 0)) {
    NameAnswer answer = name.answer;
    answer.fresh_ms = name.fresh_until_ms - std::min(name.fresh_until_ms, now);
    question.done(answer);
    return;
  }
  name.waiting.push_back(std::move(question.done));
  if (name.pending == 0) start(question.host, name);
}

void NameService::start(const std::string& host, Name& name) {
  look_at_configuration();
  name.pending = 2;
  name.overdue_ms = never_ms;
  name.ipv6 = name.ipv4 = {};
  NameChannel& channel = channels_.back()->channel;
  for (const int family : {AF_INET6, AF_INET}) {
    channel.look_up(host, family, [this, host, family](const NameChannel::Found& found) {
      on_found(host, family, found);
    });
  }
}

// A machine that moves to another network gets other name servers: questions under way end where
// they were asked.
void NameService::look_at_configuration() {
  if (channels_.empty() || channels_.back()->made_of != Stamp::now()) {
    channels_.push_back(std::make_unique<Channel>());
  }
}

void NameService::on_found(const std::string& host, int family, const NameChannel::Found& found) {
  const auto it = names_.find(host);
  if (it == names_.end()) return;
  Name& name = it->second;
  (family == AF_INET6 ? name.ipv6 : name.ipv4) = found;
  --name.pending;
  if (found.servers_silent > 0) channels_.back()->channel.rotate_servers();
  if (name.pending == 0) {
    finish(host, name);
  } else if (found.error == 0) {
    name.overdue_ms = now_ms() + times_.other_family_ms;
  }
}

void NameService::finish_overdue() {
  const uint64_t now = now_ms();
  for (auto& [host, name] : names_) {
    if (name.overdue_ms <= now) finish(host, name);
  }
}

NameAnswer NameService::merge(const std::string& host, const Name& name) const {
  NameAnswer answer;
  for (const NameChannel::Found* found : {&name.ipv6, &name.ipv4}) {
    answer.addresses.insert(
        answer.addresses.end(), found->addresses.begin(), found->addresses.end());
  }
  if (answer.addresses.empty() && is_localhost(host)) {
    answer.addresses = {*Address::parse("::1", 0), *Address::parse("127.0.0.1", 0)};
  }
  if (answer.addresses.empty()) {
    answer.error = graver(name.ipv6.error, name.ipv4.error);
    answer.fresh_ms = times_.failure_ms;
    return answer;
  }
  put_reachable_family_first(answer.addresses);
  const uint64_t ttl_ms = 1'000ULL * std::min(name.ipv6.ttl_s, name.ipv4.ttl_s);
  answer.fresh_ms = std::clamp(ttl_ms, times_.fresh_ms_min, times_.fresh_ms_max);
  return answer;
}

void NameService::finish(const std::string& host, Name& name) {
  name.overdue_ms = never_ms;
  NameAnswer answer = merge(host, name);
  log_outcome(host, name, answer);
  name.fresh_until_ms = now_ms() + answer.fresh_ms;
  name.answer = std::move(answer);
  const std::vector<Done> waiting = std::exchange(name.waiting, {});
  for (const Done& done : waiting)
    done(name.answer);
}

// A name that never worked is its asker's to report.
void NameService::log_outcome(const std::string& host, Name& name, const NameAnswer& answer) {
  const bool worked_before = name.fresh_until_ms != 0 && name.answer.error == 0;
  if (answer.error == 0 && name.is_failing) {
    name.is_failing = false;
    base::log_info("the name {} can be looked up again", host);
  } else if (answer.error != 0 && worked_before && !name.is_failing) {
    name.is_failing = true;
    base::log_warning(
        "the name {} can no longer be looked up: {}; going on with the addresses known",
        host,
        name_error_text(answer.error));
  }
}

void NameService::forget_one() {
  auto oldest = names_.end();
  for (auto it = names_.begin(); it != names_.end(); ++it) {
    if (it->second.pending > 0) continue;
    if (oldest == names_.end() || it->second.fresh_until_ms < oldest->second.fresh_until_ms) {
      oldest = it;
    }
  }
  if (oldest != names_.end()) names_.erase(oldest);
}

}  // namespace net
