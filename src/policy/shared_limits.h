#pragma once

// Limits that several proxies share: what policy asks of whoever keeps them (fleet/). The answer
// takes its time, so a request waits for it as `Verdict::wait` has it.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "policy/meters.h"

namespace policy {

// Value. How whoever waits for something is told that it has come, on its own thread.
struct Waker {
  void* owner = nullptr;
  void (*wake)(void* owner) = nullptr;

  void operator()() const {
    if (wake != nullptr) wake(owner);
  }
};

// One request at a client's shared limits, one owner, who alone hears of it. Whoever destroys it
// has all of it given back, if it was taken, and is not woken any more. One thread.
class SharedClaim {
 public:
  enum class State : uint8_t {
    asked,    // no answer yet: its owner is woken once it is there
    granted,  // taken of all limits; or looked at
    met,      // one of them is met; nothing is taken
    lost,     // nobody answers, or not in time: others have to decide
  };

  SharedClaim() = default;
  virtual ~SharedClaim() = default;
  SharedClaim(const SharedClaim&) = delete;
  SharedClaim& operator=(const SharedClaim&) = delete;
  SharedClaim(SharedClaim&&) = delete;
  SharedClaim& operator=(SharedClaim&&) = delete;

  [[nodiscard]] virtual State state() const = 0;
  // Of a granted one.
  [[nodiscard]] virtual const Standing& requests_standing() const = 0;
  [[nodiscard]] virtual const Standing& tokens_standing() const = 0;
  // Of one that only looked, as Meters has them.
  [[nodiscard]] virtual const std::vector<Meters::Line>& lines() const = 0;
  // Of a met one; lives as long as the client's meters.
  [[nodiscard]] virtual const LimitMet& met() const = 0;

  // The end, once: the request came to `cost`. One that was let pass without an answer counts
  // there, too, as soon as that can be told.
  virtual void settle(const Cost& cost) = 0;
};

// Resource, one per worker. One thread.
class SharedLimits {
 public:
  SharedLimits() = default;
  virtual ~SharedLimits() = default;
  SharedLimits(const SharedLimits&) = delete;
  SharedLimits& operator=(const SharedLimits&) = delete;
  SharedLimits(SharedLimits&&) = delete;
  SharedLimits& operator=(SharedLimits&&) = delete;

  enum class Purpose : uint8_t {
    take,
    look,  // how all limits stand
  };
  // What is asked for. `client` is borrowed for the call; the meters say which limits there are.
  struct Question {
    std::string_view client;
    std::shared_ptr<const Meters> meters;
    Cost cost = {};
    Purpose purpose = Purpose::take;
  };
  // Asks. `waker` is called once where the claim is still `asked` when this returns, never from
  // within, and soon: whoever does not answer is `lost`.
  [[nodiscard]] virtual std::unique_ptr<SharedClaim> ask(const Question& question,
                                                         const Waker& waker) = 0;
};

}  // namespace policy
