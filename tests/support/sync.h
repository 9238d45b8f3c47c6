#pragma once

// How a test's threads wait for each other: always for a fact, never for time to pass.

#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "support/failure.h"

namespace test {

inline constexpr bool sanitized = OPENAI_PROXY_SANITIZED;  // see CMakeLists.txt

// The longest any wait lasts before the test fails.
inline constexpr std::chrono::milliseconds patience{sanitized ? 30'000 : 10'000};

// A fact that becomes true once. Any thread.
class Signal {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    set_ = true;
    changed_.notify_all();
  }
  [[nodiscard]] bool is_set() const {
    const std::lock_guard lock(mutex_);
    return set_;
  }
  void wait(std::chrono::milliseconds timeout = patience) const {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return set_; })) {
      throw TimedOut("a signal was not set");
    }
  }

 private:
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool set_ = false;
};

// Values handed from one thread to another. Any thread.
template <class T>
class Queue {
 public:
  void push(T value) {
    const std::lock_guard lock(mutex_);
    values_.push_back(std::move(value));
    changed_.notify_one();
  }
  [[nodiscard]] T pop(std::chrono::milliseconds timeout = patience) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, timeout, [this] { return !values_.empty(); })) {
      throw TimedOut("nothing came into the queue");
    }
    T value = std::move(values_.front());
    values_.pop_front();
    return value;
  }
  [[nodiscard]] bool empty() const {
    const std::lock_guard lock(mutex_);
    return values_.empty();
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> values_;
};

// Asks `predicate` until it holds; throws TimedOut with `what` when it never does.
template <class Predicate>
void eventually(const std::string& what,
                Predicate predicate,
                std::chrono::milliseconds timeout = patience) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() > deadline) throw TimedOut("never: " + what);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

}  // namespace test
