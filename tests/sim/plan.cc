#include "sim/plan.h"

#include <algorithm>

namespace sim {
namespace {

constexpr uint32_t minute_ms = 60'000;
constexpr uint32_t keep_alive_long_ms = 2 * patience_ms;

Faults draw_faults(Chance& chance) {
  Faults faults;
  if (chance.one_in(4)) return faults;
  for (bool* fault : {&faults.client_leaves,
                      &faults.client_stalls,
                      &faults.client_malformed,
                      &faults.early_answers,
                      &faults.upstream_breaks,
                      &faults.upstream_stalls,
                      &faults.upstream_nonsense,
                      &faults.upstream_closes_idle,
                      &faults.dial_fails,
                      &faults.limits,
                      &faults.stop,
                      &faults.deadlines}) {
    *fault = chance.one_in(4);
  }
  return faults;
}

void shorten_deadlines(Chance& chance, config::Config& config, config::Upstream& upstream) {
  const auto draw_ms = [&] {
    return static_cast<uint32_t>(chance.between(1, 50) * 100);
  };
  upstream.pool.waiting_timeout_ms = draw_ms();
  upstream.pool.idle_timeout_ms = draw_ms();
  upstream.timeouts.first_byte_ms = draw_ms();
  upstream.timeouts.silence_ms = draw_ms();
  config.timeouts.request_head_ms = draw_ms();
  config.timeouts.request_body_silence_ms = draw_ms();
  config.timeouts.response_write_silence_ms = draw_ms();
  if (chance.one_in(2)) config.timeouts.keep_alive_ms = draw_ms();
  upstream.timeouts.stream_silence_ms = draw_ms();
  config.timeouts.request_body_rate_min = chance.pick<uint64_t>({0, 100, 10'000});
  config.timeouts.response_write_rate_min = chance.pick<uint64_t>({0, 100, 10'000});
}

}  // namespace

Plan draw_plan(Chance& chance) {
  Plan plan;
  plan.faults = draw_faults(chance);
  plan.clients = static_cast<uint32_t>(chance.between(1, 6));
  plan.requests_max = static_cast<uint32_t>(chance.one_in(8) ? 30 : chance.between(1, 5));
  plan.reloads = chance.one_in(3) ? static_cast<uint32_t>(chance.between(1, 3)) : 0;
  plan.drain = plan.faults.stop || chance.one_in(4);
  plan.large_bodies = chance.one_in(6);
  plan.sleepy = chance.one_in(3);
  plan.capacity_bytes = chance.pick<size_t>({1, 100, 4'096, 65'536, 65'536, 65'536});
  // Byte by byte, large bodies would take for ever, and whoever also naps would pass for gone.
  if (plan.large_bodies || plan.sleepy) {
    plan.capacity_bytes = std::max<size_t>(plan.capacity_bytes, 4'096);
  }
  return plan;
}

std::shared_ptr<const config::Config> draw_config(Chance& chance, const Plan& plan) {
  auto config = std::make_shared<config::Config>();
  config::Upstream upstream;
  upstream.url = *base::parse_url("http://api.test");
  upstream.pool.connections_max = chance.pick<uint32_t>({1, 2, 3, 1024});
  upstream.pool.idle_max = chance.pick<uint32_t>({0, 1, 64});
  upstream.pool.warm = chance.pick<uint32_t>({0, 0, 0, 1, 3});
  upstream.pool.waiting_timeout_ms = 60 * minute_ms;
  upstream.timeouts.first_byte_ms = 60 * minute_ms;
  upstream.timeouts.silence_ms = 60 * minute_ms;
  upstream.timeouts.stream_silence_ms = 60 * minute_ms;
  if (plan.faults.dial_fails) upstream.pool.waiting_max = chance.pick<uint32_t>({1, 2, 1024});
  config->timeouts.request_head_ms = 10 * minute_ms;
  config->timeouts.request_body_silence_ms = 10 * minute_ms;
  config->timeouts.keep_alive_ms = keep_alive_long_ms;
  config->timeouts.request_body_rate_min = 0;
  config->timeouts.response_write_rate_min = 0;
  config->limits.pipelined_bytes_max = chance.pick<uint64_t>({1'024, 65'536});
  if (plan.faults.limits) {
    config->limits.body_bytes_max = chance.pick<uint64_t>({0, 50, 5'000});
    config->limits.requests_per_connection_max = chance.pick<uint32_t>({0, 1, 3});
  }
  if (plan.faults.deadlines) shorten_deadlines(chance, *config, upstream);
  config->upstreams.emplace("api", upstream);
  config->routes.push_back({.path = "/",
                            .upstream = "api",
                            .strip_prefix = false,
                            .websockets = !plan.faults.limits || chance.one_in(2),
                            .retry_posts = chance.one_in(4)});
  config->redirects.max = static_cast<uint32_t>(chance.between(0, 5));
  config->redirects.follow = !chance.one_in(8);
  config->limits.replay_bytes_max = chance.pick<uint64_t>({0, 100, 16'384, 65'536, 400'000});
  return config;
}

}  // namespace sim
