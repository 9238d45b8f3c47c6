#include "fleet/fleet_limits.h"

#include <map>
#include <random>
#include <utility>
#include <vector>

#include "fleet/redis_words.h"
#include "policy/clock.h"

namespace fleet {
namespace {

// Commands whose reply is due; beyond it Redis is too slow for what is asked.
constexpr size_t sent_max = 20'000;
constexpr size_t untold_max = 50'000;
constexpr size_t renewed_at_once_max = 500;

std::string random_id() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}-", random(), random());
}

}  // namespace

// What a request holds.
class FleetLimits::Claim final : public policy::SharedClaim {
 public:
  Claim(std::shared_ptr<FleetLimits> limits, ShareRef share)
      : limits_(std::move(limits)), share_(std::move(share)) {}
  ~Claim() override { limits_->end(share_); }
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  Claim(Claim&&) = delete;
  Claim& operator=(Claim&&) = delete;

  [[nodiscard]] State state() const override { return share_->state; }
  [[nodiscard]] const policy::Standing& requests_standing() const override {
    return share_->requests;
  }
  [[nodiscard]] const policy::Standing& tokens_standing() const override { return share_->tokens; }
  [[nodiscard]] const std::vector<policy::Meters::Line>& lines() const override {
    return share_->lines;
  }
  [[nodiscard]] const policy::LimitMet& met() const override { return share_->met; }

  void settle(const policy::Cost& cost) override {
    if (share_->has_ended) return;
    share_->came_to = cost;
    share_->was_served = true;
    limits_->end(share_);
  }

 private:
  std::shared_ptr<FleetLimits> limits_;
  ShareRef share_;
};

FleetLimits::FleetLimits(net::UvLoop& loop,
                         net::Resolver& resolver,
                         const config::Redis& redis,
                         Notices& notices)
    : loop_(loop),
      redis_(redis),
      id_prefix_(random_id()),
      notices_(notices),
      overdue_(loop, this, [](void* self) { static_cast<FleetLimits*>(self)->on_overdue(); }),
      renew_(loop.timers(), this, [](void* self) { static_cast<FleetLimits*>(self)->renew(); }),
      link_(loop, resolver, redis_, notices, *this) {}

FleetLimits::~FleetLimits() = default;

void FleetLimits::close() {
  renew_.clear();
  overdue_.close();
  link_.close();
}

// The way there.

std::unique_ptr<policy::SharedClaim> FleetLimits::ask(const Question& question,
                                                      const policy::Waker& waker) {
  const auto share = std::make_shared<Share>();
  share->id = fmt::format("{}{:x}", id_prefix_, ++ids_);
  // All keys of a client have one place in a cluster, should one stand behind a proxy of its own.
  share->prefix = fmt::format("{}{{{}}}:", redis_.prefix, question.client);
  share->meters = question.meters;
  share->cost = question.cost;
  share->waker = waker;
  share->purpose = question.purpose;
  if (link_.is_ready() && sent_.size() < sent_max) {
    put(share, Form::digest);
  } else if (link_.is_hopeful() && early_.size() < sent_max) {
    early_.push_back(share);
  } else {
    share->state = Share::State::lost;
    link_.is_ready() ? link_.complain("cannot keep up with what is asked") : link_.complain();
  }
  if (share->state == Share::State::asked) {
    waiting_.push_back({loop_.now_ms() + redis_.timeout_ms, share});
    if (!overdue_.is_set()) overdue_.set(redis_.timeout_ms);
  }
  return std::make_unique<Claim>(shared_from_this(), share);
}

void FleetLimits::put(const ShareRef& share, Form form) {
  const int64_t now_s = policy::realtime_s();
  if (share->purpose == Purpose::look) {
    link_.send(look_command(*share, name_of(Script::look, form), now_s));
    sent_.push_back({Script::look, Told::first, share});
    return;
  }
  share->was_sent = true;
  link_.send(take_command(*share, name_of(Script::take, form), now_s));
  sent_.push_back({Script::take, Told::first, share});
}

ScriptName FleetLimits::name_of(Script script, Form form) const {
  return {script, form == Form::digest ? link_.digest(script) : std::string_view()};
}

// The request is over: of one that may have been taken Redis hears in any case, of another if it
// was let pass all the same.
void FleetLimits::end(const ShareRef& share) {
  if (std::exchange(share->has_ended, true)) return;
  share->waker = {};
  share->unlink();
  if (share->state == Share::State::met || (!share->was_sent && !share->was_served)) return;
  if (link_.is_ready() && sent_.size() < sent_max) {
    tell(share, Told::first, Form::digest);
  } else {
    keep_untold(share, Told::first);
  }
}

void FleetLimits::tell(const ShareRef& share, Told told, Form form) {
  const ScriptName name = name_of(Script::settle, form);
  link_.send(settle_command(*share, name, told, policy::realtime_s()));
  sent_.push_back({Script::settle, told, share});
}

void FleetLimits::keep_untold(const ShareRef& share, Told told) {
  if (untold_.size() >= untold_max) {
    notices_.dropped(redis_.url.place(), loop_.now_ms());
    return;
  }
  untold_.push_back({told, share});
}

// The way back.

void FleetLimits::on_link_ready() {
  for (const ShareRef& share : std::exchange(early_, {})) {
    if (share->state == Share::State::asked && !share->has_ended) {
      put(share, Form::digest);
    }
  }
  while (!untold_.empty() && sent_.size() < sent_max) {
    const Untold untold = std::move(untold_.front());
    untold_.pop_front();
    tell(untold.share, untold.told, Form::digest);
  }
  if (!leased_.empty()) renew();
}

void FleetLimits::on_link_reply(const RedisReply& reply) {
  if (sent_.empty()) return;
  const Sent sent = std::move(sent_.front());
  sent_.pop_front();
  if (reply.is_error()) {
    on_error(sent, reply.text);
    return;
  }
  link_.praise();
  if (sent.script == Script::take) on_taken(sent.share, reply);
  if (sent.script == Script::look) on_looked(sent.share, reply);
  if (!untold_.empty() && link_.is_ready() && sent_.empty()) on_link_ready();
}

void FleetLimits::on_taken(const ShareRef& share, const RedisReply& reply) {
  const Share::State before = share->state;
  if (!read_taken(reply, *share, policy::realtime_s())) {
    link_.complain("answers something that is not understood");
    share->state = Share::State::lost;
  }
  const Share::State after = share->state;
  if (before != Share::State::asked) {
    // Too late to count: it went on, and is settled as what Redis makes of it.
    share->state = Share::State::lost;
    share->was_sent = after == Share::State::granted;
  }
  if (share->has_ended) return;
  if (after == Share::State::granted) {
    leased_.push_back(*share);
    if (!renew_.is_set()) renew_.set(renew_ms);
  }
  if (before == Share::State::asked) decide(share, after);
}

void FleetLimits::on_looked(const ShareRef& share, const RedisReply& reply) {
  if (share->has_ended || share->state != Share::State::asked) return;
  const bool is_read = read_looked(reply, *share, policy::realtime_s());
  decide(share, is_read ? Share::State::granted : Share::State::lost);
}

void FleetLimits::on_error(const Sent& sent, std::string_view error) {
  const bool is_forgotten = error.starts_with("NOSCRIPT");
  if (is_forgotten && link_.is_ready() && sent.share != nullptr) {
    // Whole, by which Redis learns it again.
    if (sent.script == Script::settle) {
      tell(sent.share, sent.told, Form::whole);
    } else if (!sent.share->has_ended) {
      put(sent.share, Form::whole);
    }
    return;
  }
  const Refusal refusal = explain(error);
  if (!is_forgotten) link_.complain(refusal.why);
  if (sent.script == Script::take || sent.script == Script::look) {
    sent.share->was_sent = false;
    if (sent.share->state == Share::State::asked && !sent.share->has_ended) {
      decide(sent.share, Share::State::lost);
    }
  } else if (sent.script == Script::settle && !refusal.is_unknown) {
    keep_untold(sent.share, sent.told);
  }
  if (refusal.is_of_connection) link_.give_up(refusal.why);
}

void FleetLimits::decide(const ShareRef& share, Share::State state) {
  share->state = state;
  std::exchange(share->waker, {})();
}

// What was not answered may have been done.
void FleetLimits::on_link_lost() {
  const std::deque<Sent> sent = std::exchange(sent_, {});
  for (const Sent& each : sent) {
    if (each.script == Script::settle) keep_untold(each.share, Told::again);
  }
  for (const Sent& each : sent) {
    const bool is_question = each.script == Script::take || each.script == Script::look;
    if (is_question && !each.share->has_ended && each.share->state == Share::State::asked) {
      decide(each.share, Share::State::lost);
    }
  }
  if (link_.is_hopeful()) return;
  for (const ShareRef& share : std::exchange(early_, {})) {
    if (share->state == Share::State::asked && !share->has_ended) {
      decide(share, Share::State::lost);
    }
  }
}

// The loop may have been busy for so long that the answer is there, unread: it gets one more turn.
void FleetLimits::on_overdue() {
  const auto is_decided = [](const Waiting& each) {
    return each.share->state != Share::State::asked || each.share->has_ended;
  };
  const uint64_t now_ms = loop_.now_ms();
  const bool is_last_call = std::exchange(is_last_call_, false);
  while (!waiting_.empty()) {
    const Waiting& first = waiting_.front();
    if (!is_decided(first)) {
      if (first.due_ms > now_ms) break;
      if (!is_last_call) {
        is_last_call_ = true;
        overdue_.set(0);
        return;
      }
      const ShareRef share = first.share;
      waiting_.pop_front();
      link_.doubt();
      decide(share, Share::State::lost);
      continue;
    }
    waiting_.pop_front();
  }
  if (!waiting_.empty()) overdue_.set(waiting_.front().due_ms - now_ms);
}

// Leases go on as long as their requests do.
void FleetLimits::renew() {
  if (leased_.empty()) return;
  renew_.set(renew_ms);
  if (!link_.is_ready()) return;
  std::map<std::string, std::vector<std::string_view>> by_key;
  leased_.for_each([&](const Share& share) { by_key[leases_key(share)].push_back(share.id); });
  for (const auto& [key, ids] : by_key) {
    for (size_t begin = 0; begin < ids.size(); begin += renewed_at_once_max) {
      RedisCommand command;
      command.add("EVALSHA").add(link_.digest(Script::renew)).add(int64_t{1}).add(key);
      command.add(lease_ms);
      const size_t end = std::min(ids.size(), begin + renewed_at_once_max);
      for (size_t i = begin; i < end; ++i)
        command.add(ids[i]);
      link_.send(command);
      sent_.push_back({.script = Script::renew});
    }
  }
}

}  // namespace fleet
