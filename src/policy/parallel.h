#pragma once

// How many at once: slots, each held by a lease that ends by itself.

#include <atomic>
#include <cstdint>
#include <utility>

namespace policy {

// Resource, one per limit, shared by all workers; any thread, no locks. Outlives its leases.
class Slots {
 public:
  // Movable value with one owner: a slot, or none. Gives it back when it ends.
  class Lease {
   public:
    Lease() = default;
    Lease(Lease&& other) noexcept : slots_(std::exchange(other.slots_, nullptr)) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        end();
        slots_ = std::exchange(other.slots_, nullptr);
      }
      return *this;
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() { end(); }

    explicit operator bool() const { return slots_ != nullptr; }
    void end() {
      Slots* slots = std::exchange(slots_, nullptr);
      if (slots != nullptr) slots->used_.fetch_sub(1, std::memory_order_release);
    }

   private:
    friend class Slots;
    explicit Lease(Slots& slots) : slots_(&slots) {}

    Slots* slots_ = nullptr;
  };

  explicit Slots(uint32_t max) : max_(max) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;
  Slots(Slots&&) = delete;
  Slots& operator=(Slots&&) = delete;
  ~Slots() = default;

  // A lease of a slot; of none where all are held.
  [[nodiscard]] Lease take() {
    uint32_t used = used_.load(std::memory_order_relaxed);
    while (used < max()) {
      if (used_.compare_exchange_weak(used, used + 1, std::memory_order_acquire)) {
        return Lease(*this);
      }
    }
    return {};
  }

  // A lease also where all are held: somebody else has let it pass.
  [[nodiscard]] Lease record() {
    used_.fetch_add(1, std::memory_order_acquire);
    return Lease(*this);
  }

  [[nodiscard]] uint32_t used() const { return used_.load(std::memory_order_relaxed); }
  [[nodiscard]] uint32_t max() const { return max_.load(std::memory_order_relaxed); }
  // After a reload, which may leave more held than there now are.
  void set_max(uint32_t max) { max_.store(max, std::memory_order_relaxed); }

 private:
  std::atomic<uint32_t> max_;
  std::atomic<uint32_t> used_{0};
};

}  // namespace policy
