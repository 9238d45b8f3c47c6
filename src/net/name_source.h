#pragma once

// Where names are asked: the process's NameService in production, tests' own answers.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "net/address.h"

namespace net {

// Value. What is known of a name.
struct NameAnswer {
  std::vector<Address> addresses =
      {};                          // port 0, in the order to try; empty exactly when `error` is set
  int error = 0;                   // a uv code (UV_EAI_...), 0 for none
  uint64_t fresh_ms = UINT64_MAX;  // how long it may serve before it is asked for again
  bool is_whole = true;            // false: one family's addresses are not known
};

class NameSource {
 public:
  static constexpr size_t addresses_max = 16;  // per name, the rest is ignored

  using Done = std::function<void(const NameAnswer& answer)>;

  virtual ~NameSource() = default;

  // Looks `host` up. `done` is called once, from any thread, perhaps within this call. Any thread.
  virtual void ask(const std::string& host, Done done) = 0;
};

}  // namespace net
