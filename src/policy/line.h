#pragma once

// Requests that wait for their turn, first come, first served.

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <set>
#include <utility>

namespace policy {

// Resource, shared by all workers; outlives its places. Any thread.
class Line {
 public:
  // Movable value with one owner: a place in a line, or none. Whoever forgets it has left.
  class Place {
   public:
    Place() = default;
    Place(Place&& other) noexcept
        : line_(std::exchange(other.line_, nullptr)), number_(other.number_) {}
    Place& operator=(Place&& other) noexcept {
      if (this != &other) {
        leave();
        line_ = std::exchange(other.line_, nullptr);
        number_ = other.number_;
      }
      return *this;
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }

    [[nodiscard]] bool is_none() const { return line_ == nullptr; }

   private:
    friend class Line;
    Place(Line& line, uint64_t number) : line_(&line), number_(number) {}
    void leave() {
      Line* const line = std::exchange(line_, nullptr);
      if (line != nullptr) line->remove(number_);
    }

    Line* line_ = nullptr;
    uint64_t number_ = 0;
  };

  Line() = default;
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  Line(Line&&) = delete;
  Line& operator=(Line&&) = delete;
  ~Line() = default;

  // The last place; none where as many as `max` wait.
  [[nodiscard]] Place take(size_t max) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max) return {};
    waiting_.insert(++last_number_);
    return {*this, last_number_};
  }

  // Whether nobody who waits came before whoever has `place`, or none.
  [[nodiscard]] bool is_turn_of(const Place& place) const {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return true;
    return !place.is_none() && *waiting_.begin() == place.number_;
  }

 private:
  void remove(uint64_t number) {
    const std::lock_guard lock(mutex_);
    waiting_.erase(number);
  }

  mutable std::mutex mutex_;
  std::set<uint64_t> waiting_;  // by the number they came with
  uint64_t last_number_ = 0;
};

}  // namespace policy
