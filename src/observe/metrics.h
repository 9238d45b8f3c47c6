#pragma once

// Counters of one worker, summed over the workers when somebody asks.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "observe/summary.h"

namespace observe {

// A number with one writer and any readers: no locked instruction on the writer's path.
class Counter {
 public:
  void add(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
  }
  void subtract(uint64_t count = 1) {
    value_.store(value_.load(std::memory_order_relaxed) - count, std::memory_order_relaxed);
  }
  [[nodiscard]] uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Why a connection was turned away.
enum class Refusal : uint8_t { full, address, header, no_tls, memory };
inline constexpr size_t refusals = static_cast<size_t>(Refusal::memory) + 1;
// As a label.
[[nodiscard]] std::string_view refusal_name(Refusal reason);

// How a client's TLS handshake ended.
enum class Handshake : uint8_t { full, resumed, failed };
inline constexpr size_t handshakes = static_cast<size_t>(Handshake::failed) + 1;
// As a label.
[[nodiscard]] std::string_view handshake_name(Handshake end);

// Resource, one per worker; written by its thread, read by any. On cache lines of its own.
struct alignas(64) Metrics {
  static constexpr size_t status_classes = 6;  // [0] is "no status sent"

  Counter client_connections;       // accepted, ever
  Counter client_connections_open;  // now
  Counter accepts_held;             // times accepting stopped at the connection limit
  Counter accepts_failed;           // for want of descriptors or memory
  std::array<Counter, refusals> connections_refused;
  std::array<Counter, handshakes> client_handshakes;
  Counter clients_too_slow;  // cut for want of head, body or reading
  Counter memory_refused;    // requests that came when memory was tight
  Counter memory_cut;        // clients that held most when there was none left
  Counter exchanges_open;
  std::array<Counter, outcomes> exchanges;
  std::array<Counter, status_classes> responses;
  Counter bytes_up;
  Counter bytes_down;
  Counter upstream_connections;  // dialled, ever
  Counter upstream_connections_open;
  Counter upstream_connections_failed;
  Counter upstream_reused;
  Counter upstream_retries;
  Counter redirects_followed;
  Counter tunnels;

  // Counts an exchange that has ended.
  void count(const Summary& summary);
  void count(Refusal reason) { connections_refused[static_cast<size_t>(reason)].add(); }
  void count(Handshake end) { client_handshakes[static_cast<size_t>(end)].add(); }
};

// Value. A certificate that clients are shown.
struct CertificateFigure {
  std::string listener;
  std::string name;
  int64_t not_after_s;  // since 1970
};

// Process-wide figures beside the workers' own.
struct ProcessFigures {
  uint64_t access_log_dropped = 0;
  uint64_t workers = 0;
  uint64_t memory_bytes = 0;
  uint64_t memory_limit_bytes = 0;
  std::vector<CertificateFigure> certificates = {};
};

// The sums in Prometheus' text format.
[[nodiscard]] std::string to_prometheus(std::span<const Metrics* const> workers,
                                        const ProcessFigures& process);

}  // namespace observe
