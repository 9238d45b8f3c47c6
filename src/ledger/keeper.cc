#include "ledger/keeper.h"

#include <csignal>
#include <ctime>
#include <utility>

#include "base/log.h"

namespace ledger {
namespace {

// What was written then outlives a power cut.
constexpr uint64_t checkpoint_ms = 60'000;
constexpr uint64_t forget_ms = 3'600'000;
// Longer than any limit's window, and a year to look back on.
constexpr int64_t kept_days = 400;
constexpr int64_t day_s = 24 * 3600;

uint64_t now_ms() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<uint64_t>(duration_cast<milliseconds>(now).count());
}

}  // namespace

Keeper::Keeper(Ledger::Options options, Store store)
    : options_(std::move(options)),
      collected_(options_.zone),
      store_(std::move(store)),
      due_(options_.zone) {}

Keeper::~Keeper() {
  close();
}

void Keeper::start() {
  // The version first: what is written between the two is then compared.
  if (store_) others_version_ = store_.others_version();
  if (store_ && store_.read_counters(restored_)) {
    book_.restore(restored_);
  } else {
    restored_.clear();
    is_book_stale_ = true;
  }
  // Signals are for whoever waits for them.
  sigset_t all;
  sigset_t former;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &former);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &former, nullptr);
}

void Keeper::watch(CounterSource source) {
  const std::lock_guard lock(source_mutex_);
  source_ = std::move(source);
}

// Where the thread is long about something else, such as a slow disk, the loops themselves empty
// the queue into the sums: a few hundred nanoseconds a request, and only one of them at a time.
void Keeper::record(const UsageRecord& record) {
  if (is_closed_.load(std::memory_order_relaxed)) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  recorded_.fetch_add(1, std::memory_order_relaxed);
  bool is_in = queue_.push(record);
  if (!is_in || queue_.size() > RecordQueue::records_max / 2) {
    const std::unique_lock lock(sums_mutex_, std::try_to_lock);
    if (lock) drain();
    if (!is_in) is_in = queue_.push(record);
  }
  if (!is_in) dropped_.fetch_add(1, std::memory_order_relaxed);
}

void Keeper::drain() {
  UsageRecord record;
  // No more than were there: others go on to put some in.
  for (size_t left = RecordQueue::records_max; left > 0 && queue_.pop(record); --left) {
    if (!collected_.add(record)) {
      dropped_.fetch_add(static_cast<uint64_t>(record.amounts.requests), std::memory_order_relaxed);
    }
  }
}

void Keeper::flush() {
  std::unique_lock lock(mutex_);
  if (ending_) return;
  const uint64_t its = ++asked_;
  changed_.notify_all();
  changed_.wait(lock, [&] { return done_ >= its || ending_; });
}

void Keeper::close() {
  is_closed_.store(true, std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Ledger::Figures Keeper::figures() const {
  return {.recorded = recorded_.load(std::memory_order_relaxed),
          .dropped = dropped_.load(std::memory_order_relaxed),
          .written = written_.load(std::memory_order_relaxed),
          .is_writing = is_writing_.load(std::memory_order_relaxed)};
}

void Keeper::run() {
  pthread_setname_np(pthread_self(), "ledger");
  for (;;) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, options_.interval, [&] { return ending_ || asked_ > done_; });
    const uint64_t asked = asked_;
    const bool is_last = ending_;
    lock.unlock();
    write_all();
    lock.lock();
    done_ = asked;
    changed_.notify_all();
    if (is_last) break;
  }
  // The last connection that closes puts the log into the file.
  store_ = {};
}

void Keeper::write_all() {
  {
    const std::lock_guard lock(sums_mutex_);
    drain();
    const int64_t lost = due_.take(collected_);
    if (lost > 0) dropped_.fetch_add(static_cast<uint64_t>(lost), std::memory_order_relaxed);
  }
  if (write() || !store_) return;
  const DatabaseError error = store_.error();
  store_.roll_back();
  on_failed(error.failure, error.text);
}

// False where something failed: what was to be written still is.
bool Keeper::write() {
  if (store_ && !store_.is_in_place()) {
    base::log_warning("the ledger {} is gone: a new one is begun", options_.file);
    store_ = {};
  }
  if (!store_ && !open_again()) return false;
  const bool is_changed = is_book_stale_ || store_.others_version() != others_version_;
  const bool is_forgetting = now_ms() >= forget_due_ms_;
  if (is_changed || is_forgetting || !due_.is_empty() || !unwritten_counters().empty()) {
    if (!store_.begin()) return false;
    if (is_changed && !compare_counters()) return false;
    if (is_forgetting && !forget_old()) return false;
    if (!write_due()) return false;
    if (is_forgetting) forget_due_ms_ = now_ms() + forget_ms;
  }
  on_written();
  return true;
}

// Ends the transaction.
bool Keeper::write_due() {
  const std::vector<Counter> counters = unwritten_counters();
  const std::vector<Store::Usage> usage = due_.list();
  if (!store_.add_counters(counters) || !store_.add_usage(usage) || !store_.commit()) return false;
  book_.written(counters);
  uint64_t requests = 0;
  for (const Store::Usage& each : usage)
    requests += static_cast<uint64_t>(each.amounts.requests);
  due_.clear();
  written_.fetch_add(requests, std::memory_order_relaxed);
  return true;
}

std::vector<Counter> Keeper::unwritten_counters() {
  const std::lock_guard lock(source_mutex_);
  return book_.unwritten(source_);
}

// What others have written, or what came with a file that could not be read before.
bool Keeper::compare_counters() {
  const int64_t version = store_.others_version();
  std::vector<Counter> stored;
  if (!store_.read_counters(stored)) return false;
  {
    const std::lock_guard lock(source_mutex_);
    book_.compare(stored, source_);
  }
  others_version_ = version;
  is_book_stale_ = false;
  return true;
}

bool Keeper::forget_old() {
  const int64_t now_s = std::time(nullptr);
  return store_.forget(now_s - kept_days * day_s, day_text(now_s / day_s - kept_days));
}

bool Keeper::open_again() {
  auto store = Store::open(options_.file);
  if (!store) {
    on_failed(store.error().failure, store.error().text);
    return false;
  }
  store_ = std::move(*store);
  is_book_stale_ = true;
  return true;
}

void Keeper::on_failed(Failure failure, std::string_view text) {
  is_writing_.store(false, std::memory_order_relaxed);
  if (failure == Failure::corrupt && store_) {
    store_ = {};
    (void)put_aside(options_.file, text);
    return;
  }
  // Whatever it is, it may be over when the file is opened anew; for want of room or of a turn, it
  // is over by itself.
  if (failure == Failure::other || failure == Failure::none) store_ = {};
  if (!base::is_due_to_log(log_again_s_, now_ms())) return;
  base::log_error(
      "the ledger {} cannot be written ({}): limits and usage are kept in memory, and written when "
      "it is possible again",
      options_.file,
      failure == Failure::full ? "the disk is full" : text);
}

void Keeper::on_written() {
  if (!is_writing_.exchange(true, std::memory_order_relaxed)) {
    base::log_info("the ledger {} is written again", options_.file);
  }
  const uint64_t now = now_ms();
  if (checkpoint_due_ms_ == 0) checkpoint_due_ms_ = now + checkpoint_ms;
  if (now < checkpoint_due_ms_) return;
  checkpoint_due_ms_ = now + checkpoint_ms;
  store_.checkpoint();
}

}  // namespace ledger
