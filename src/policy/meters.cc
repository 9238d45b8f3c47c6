#include "policy/meters.h"

#include <algorithm>
#include <utility>

#include "config/limit_scalars.h"

namespace policy {
namespace {

constexpr int64_t second_us = 1'000'000;

std::string_view unit_name(Meters::Unit unit) {
  switch (unit) {
    case Meters::Unit::requests:
      return "requests";
    case Meters::Unit::tokens:
      return "tokens";
    case Meters::Unit::budget:
      break;
  }
  return "budget";
}

Meters::Limits::Window window_of(Meters::Unit unit, int64_t amount, const config::Period& per) {
  const std::string name(unit_name(unit));
  return {name + "/" + config::PeriodText::print(per), unit, amount, per};
}

// The tighter one is shown.
void show(Standing& shown, const Standing& other) {
  if (shown.limit == 0 || other.remaining < shown.remaining) shown = other;
}

Standing standing_of(const Rate& rate, const Rate::Decision& decision) {
  return {rate.per_minute(), decision.remaining, decision.reset_us};
}

Standing standing_of(const Window& window, const Window::Decision& decision, const Now& now) {
  const int64_t resets_us =
      decision.resets_s == 0 ? 0 : std::max<int64_t>(0, decision.resets_s - now.s) * second_us;
  return {window.limit(), decision.remaining, resets_us};
}

LimitMet met(std::string_view name, const Rate::Decision& decision, const Now& now) {
  return {.name = name,
          .retry_after_us = decision.retry_after_us,
          .resets_s = now.s + (decision.retry_after_us + second_us - 1) / second_us};
}

}  // namespace

Meters::Limits Meters::limits_of(const config::Client& client) {
  Limits limits{
      .rpm = client.rpm_limit, .tpm = client.tpm_limit, .parallel = client.max_parallel_requests};
  if (client.max_budget > 0) {
    limits.windows.push_back(
        {"max_budget", Unit::budget, client.max_budget, client.budget_duration});
  }
  for (const config::WindowLimit& limit : client.limits) {
    if (limit.requests > 0) {
      limits.windows.push_back(window_of(Unit::requests, limit.requests, limit.per));
    } else if (limit.tokens > 0) {
      limits.windows.push_back(window_of(Unit::tokens, limit.tokens, limit.per));
    } else {
      limits.windows.push_back(window_of(Unit::budget, limit.budget, limit.per));
    }
  }
  return limits;
}

Meters::Limits Meters::limits_of(const config::UpstreamKey& key) {
  return {.rpm = key.rpm_limit, .tpm = key.tpm_limit, .parallel = key.max_parallel_requests};
}

Meters::Meters(const Limits& limits, std::shared_ptr<const base::TimeZone> zone)
    : limits_(limits), zone_(std::move(zone)) {
  if (limits.rpm > 0) requests_.emplace(limits.rpm);
  if (limits.tpm > 0) tokens_.emplace(limits.tpm);
  if (limits.parallel > 0) slots_.emplace(limits.parallel);
  counts_tokens_ = limits.tpm > 0;
  for (const Limits::Window& window : limits.windows) {
    windows_.push_back(std::make_unique<NamedWindow>(window, *zone_));
    counts_tokens_ = counts_tokens_ || window.unit == Unit::tokens;
    counts_dollars_ = counts_dollars_ || window.unit == Unit::budget;
  }
}

void Meters::inherit(const Meters& former, const Now& now) {
  if (requests_ && former.requests_) requests_->restore(former.requests_->ahead_us(now.us), now.us);
  if (tokens_ && former.tokens_) tokens_->restore(former.tokens_->ahead_us(now.us), now.us);
  for (const auto& each : former.windows_)
    static_cast<void>(add(each->limits.name, each->window.state(now.s), now));
}

bool Meters::add(std::string_view name, const Window::State& before, const Now& now) {
  for (const auto& each : windows_) {
    if (each->limits.name == name) return each->window.add(before, now.s);
  }
  return false;
}

bool Meters::limit_anything() const {
  return requests_ || tokens_ || slots_ || !windows_.empty();
}

int64_t Meters::part_of(const Cost& cost, Unit unit) {
  switch (unit) {
    case Unit::requests:
      return 1;
    case Unit::tokens:
      return cost.tokens;
    case Unit::budget:
      break;
  }
  return cost.nano_dollars;
}

// What is taken before a limit is met goes back with `taken`'s own end.
std::optional<LimitMet> Meters::take(const Cost& cost, const Now& now, Taken& taken) {
  Taken mine;
  if (slots_) {
    mine.slot = slots_->take();
    if (!mine.slot) return LimitMet{.name = "max_parallel_requests", .retry_after_us = second_us};
  }
  for (size_t i = 0; i < windows_.size(); ++i) {
    NamedWindow& each = *windows_[i];
    const Window::Decision decision = each.window.reserve(part_of(cost, each.limits.unit), now.s);
    if (!decision.is_granted) {
      return LimitMet{.name = each.limits.name,
                      .is_quota = true,
                      .retry_after_us = (decision.resets_s - now.s) * second_us,
                      .resets_s = decision.resets_s};
    }
    mine.windows.at(i) = Reservation<Window>(each.window, decision.ticket, realtime_s);
    note(decision, each, now, mine);
  }
  if (requests_) {
    const Rate::Decision decision = requests_->take(1, now.us);
    if (!decision.is_granted) return met("rpm_limit", decision, now);
    mine.requests = Reservation<Rate>(*requests_, decision.ticket, monotonic_us);
    show(mine.requests_standing, standing_of(*requests_, decision));
  }
  if (tokens_) {
    const Rate::Decision decision = tokens_->take(cost.tokens, now.us);
    if (!decision.is_granted) return met("tpm_limit", decision, now);
    mine.tokens = Reservation<Rate>(*tokens_, decision.ticket, monotonic_us);
    show(mine.tokens_standing, standing_of(*tokens_, decision));
  }
  taken = std::move(mine);
  return std::nullopt;
}

void Meters::record(const Cost& cost, const Now& now, Taken& taken) {
  Taken mine;
  if (slots_) mine.slot = slots_->record();
  for (size_t i = 0; i < windows_.size(); ++i) {
    Window& window = windows_[i]->window;
    const int64_t part = part_of(cost, windows_[i]->limits.unit);
    mine.windows.at(i) = Reservation<Window>(window, window.record(part, now.s), realtime_s);
  }
  if (requests_) {
    mine.requests = Reservation<Rate>(*requests_, requests_->record(1, now.us), monotonic_us);
  }
  if (tokens_) {
    mine.tokens = Reservation<Rate>(*tokens_, tokens_->record(cost.tokens, now.us), monotonic_us);
  }
  taken = std::move(mine);
}

void Meters::note(const Window::Decision& decision,
                  const NamedWindow& window,
                  const Now& now,
                  Taken& taken) const {
  const Standing standing = standing_of(window.window, decision, now);
  if (window.limits.unit == Unit::requests) show(taken.requests_standing, standing);
  if (window.limits.unit == Unit::tokens) show(taken.tokens_standing, standing);
}

Meters::Standings Meters::standings(const Now& now) const {
  Standings standings;
  if (requests_) show(standings.requests, standing_of(*requests_, requests_->look(0, now.us)));
  if (tokens_) show(standings.tokens, standing_of(*tokens_, tokens_->look(0, now.us)));
  for (const auto& each : windows_) {
    if (each->limits.unit == Unit::budget) continue;
    const Standing standing = standing_of(each->window, each->window.look(0, now.s), now);
    show(each->limits.unit == Unit::requests ? standings.requests : standings.tokens, standing);
  }
  return standings;
}

void Meters::settle(Taken& taken, const Cost& cost, const Now& now) const {
  taken.slot.end();
  taken.requests.settle(1, now.us);
  taken.tokens.settle(cost.tokens, now.us);
  for (size_t i = 0; i < windows_.size(); ++i)
    taken.windows.at(i).settle(part_of(cost, windows_[i]->limits.unit), now.s);
}

std::vector<Meters::Line> Meters::lines(const Now& now) const {
  std::vector<Line> lines;
  const auto add_rate = [&](std::string name, Unit unit, const std::optional<Rate>& rate) {
    if (!rate) return;
    const Rate::Decision decision = rate->look(0, now.us);
    lines.push_back({.name = std::move(name),
                     .unit = unit,
                     .limit = rate->per_minute(),
                     .used = rate->per_minute() - decision.remaining,
                     .resets_in_us = decision.reset_us});
  };
  add_rate("rpm_limit", Unit::requests, requests_);
  add_rate("tpm_limit", Unit::tokens, tokens_);
  if (slots_) {
    lines.push_back({.name = "max_parallel_requests",
                     .unit = Unit::requests,
                     .limit = slots_->max(),
                     .used = slots_->used()});
  }
  for (const auto& each : windows_) {
    const Window::Decision decision = each->window.look(0, now.s);
    const int64_t resets_s = decision.resets_s == 0 ? 0 : decision.resets_s - now.s;
    lines.push_back({.name = each->limits.name,
                     .unit = each->limits.unit,
                     .limit = each->window.limit(),
                     .used = each->window.used(now.s),
                     .resets_in_us = resets_s * second_us});
  }
  return lines;
}

}  // namespace policy
