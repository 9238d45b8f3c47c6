// Seeded schedules of the whole proxy in memory. OPENAI_PROXY_SIM_SEED=N runs that one alone (with
// OPENAI_PROXY_SIM_TRACE=1 it tells what happens), OPENAI_PROXY_SIM_SCHEDULES=N the seeds 1 to N.

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "base/log.h"
#include "sim/world.h"

extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(void (*callback)());

namespace {

constexpr uint64_t schedules_default = 2'000;

uint64_t running_seed = 0;

void say_seed() {
  std::fprintf(stderr,
               "sim: this was seed %llu; run it alone with OPENAI_PROXY_SIM_SEED=%llu\n",
               static_cast<unsigned long long>(running_seed),
               static_cast<unsigned long long>(running_seed));
}

void on_fatal_signal(int signal) {
  say_seed();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

std::optional<uint64_t> number_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return std::nullopt;
  const std::string_view digits = text;
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  REQUIRE_MESSAGE((error == std::errc() && end == digits.data() + digits.size()),
                  variable << " must be a number");
  return number;
}

void run_schedule(uint64_t seed) {
  running_seed = seed;
  sim::World world(seed, sim::Chance(seed));
  world.run();
}

}  // namespace

TEST_CASE("any schedule of clients, upstreams and faults ends well") {
  base::set_log_level(base::LogLevel::error);
  std::signal(SIGABRT, on_fatal_signal);
  std::signal(SIGSEGV, on_fatal_signal);
  if (__sanitizer_set_death_callback != nullptr) __sanitizer_set_death_callback(say_seed);
  if (const auto seed = number_from("OPENAI_PROXY_SIM_SEED")) {
    run_schedule(*seed);
    return;
  }
  const uint64_t schedules = number_from("OPENAI_PROXY_SIM_SCHEDULES").value_or(schedules_default);
  REQUIRE(schedules > 0);
  for (uint64_t seed = 1; seed <= schedules; ++seed)
    run_schedule(seed);
}
