#pragma once

// Where and when a run was made: without it no figure can be compared with another.

#include <cstdint>
#include <string>

namespace bench::load {

// Value. Texts are empty where the system does not say.
struct Machine {
  std::string date;    // of the run's start, UTC: "2026-11-28T14:10:21Z"
  std::string host;    // its name
  std::string cpu;     // "AMD EPYC 7B13"
  std::string kernel;  // "Linux 6.1.0-18-amd64 x86_64"
  uint32_t cores = 0;  // that this process may use
};

// Of the machine this runs on, now.
[[nodiscard]] Machine this_machine();

}  // namespace bench::load
