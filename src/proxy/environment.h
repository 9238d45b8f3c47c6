#pragma once

// What a worker lends the connections and exchanges on it.

#include <atomic>
#include <cstdint>

#include "base/memory_limit.h"
#include "ledger/ledger.h"
#include "net/loop.h"
#include "observe/access_log.h"
#include "observe/metrics.h"
#include "proxy/snapshot.h"

namespace proxy {

// Resource, one per worker, outlives its connections. One thread but where members say otherwise.
struct Environment {
  net::Loop& loop;
  observe::Metrics& metrics;
  observe::AccessLog& access_log;
  ledger::Ledger* ledger;         // nullptr: nothing is kept of what is used
  SnapshotRef snapshot;           // the current one
  base::MemoryLimit& memory;      // of the process
  uint64_t log_tls_again_ms = 0;  // that clients speak TLS where there is none
  uint64_t request_ids = 0;       // of our own answers: unique per process start and worker
  uint32_t id_prefix = 0;
  std::atomic<uint64_t> log_loop_again_s{0};  // when to say so again
  std::atomic<uint64_t> log_key_told_again_s{0};
  bool draining = false;
  bool stopping = false;  // the drain deadline has passed: what still runs is cut by us
};

}  // namespace proxy
