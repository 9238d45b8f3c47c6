#include "net/name_lookup.h"

#include <algorithm>
#include <utility>

#include <uv.h>

#include "net/address_order.h"

namespace net {

NameLookup::NameLookup(UvLoop& loop,
                       const NameServers& servers,
                       std::vector<std::string> names,
                       Listener& listener)
    : loop_(loop),
      names_(std::move(names)),
      listener_(listener),
      next_server_(loop.timers(),
                   this,
                   [](void* self) { static_cast<NameLookup*>(self)->ask_further_servers(); }),
      other_family_(loop.timers(),
                    this,
                    [](void* self) {
                      auto& lookup = *static_cast<NameLookup*>(self);
                      lookup.listener_.on_some(lookup, lookup.answer());
                    }),
      end_(loop.timers(), this, [](void* self) { static_cast<NameLookup*>(self)->give_up(); }),
      advance_(this, [](void* self) { static_cast<NameLookup*>(self)->advance(); }) {
  for (const auto& server : servers)
    order_.push_back(server.get());
  std::stable_partition(
      order_.begin(), order_.end(), [](const NameServer* server) { return !server->is_avoided(); });
  families_[0].family = AF_INET;
  families_[1].family = AF_INET6;
  end_.set(lookup_ms_max);
  begin_name();
}

void NameLookup::begin_name() {
  for (Family& family : families_) {
    family.is_decided = false;
    family.reply = {};
    family.next_server = 0;
    family.questions.clear();
    ask_next(family);
  }
  has_asked_all_ = false;
  if (order_.size() > 1) next_server_.set(next_server_after_ms);
}

void NameLookup::ask_next(Family& family) {
  if (family.next_server == order_.size()) return;
  NameServer& server = *order_[family.next_server++];
  family.questions.push_back(std::make_unique<NameServer::Question>(
      this,
      [](void* self, NameServer::Question& question, NameReply reply) {
        static_cast<NameLookup*>(self)->on_reply(question, std::move(reply));
      },
      server,
      family.family));
  family.questions.back()->ask(names_[name_]);
}

// May come from within ask(): what follows from it waits until the end of the turn.
void NameLookup::on_reply(NameServer::Question& question, NameReply reply) {
  if (reply.is_silent) {
    question.server().mark_silent();
  } else {
    question.server().mark_answered();
    has_answer_ = true;
  }
  Family& family = families_[question.family() == AF_INET ? 0 : 1];
  if (!family.is_decided && reply.kind != NameReply::Kind::failed) {
    family.is_decided = true;
    family.reply = std::move(reply);
  }
  loop_.defer(advance_);
}

bool NameLookup::is_running(const Family& family) {
  return std::any_of(family.questions.begin(), family.questions.end(), [](const auto& question) {
    return question->is_running();
  });
}

void NameLookup::advance() {
  bool is_over = true;
  bool has_some = false;
  for (Family& family : families_) {
    if (family.is_decided) family.questions.clear();  // slower servers are not waited for
    if (!family.is_decided && !is_running(family)) ask_next(family);
    is_over = is_over && (family.is_decided || !is_running(family));
    has_some = has_some || !family.reply.addresses.empty();
  }
  if (is_over) {
    conclude();
  } else if (has_some && !other_family_.is_set()) {
    other_family_.set(other_family_after_ms);
  }
}

// Every server was asked for this name, or the answers are there.
void NameLookup::conclude() {
  other_family_.clear();
  next_server_.clear();
  bool has_some = false;
  for (const Family& family : families_) {
    has_some = has_some || !family.reply.addresses.empty();
    has_failed_ = has_failed_ || !family.is_decided;
  }
  if (!has_some && ++name_ < names_.size()) {
    begin_name();
    return;
  }
  cancel();
  listener_.on_found(*this, answer());
}

void NameLookup::ask_further_servers() {
  for (Family& family : families_) {
    if (family.is_decided) continue;
    for (const auto& question : family.questions) {
      const Family& other = families_[family.family == AF_INET ? 1 : 0];
      // Who answers one question and not the other is no silent server.
      if (question->is_running() && !other.is_decided) question->server().mark_silent();
    }
    ask_next(family);
  }
  const bool are_left = std::any_of(families_.begin(), families_.end(), [&](const Family& family) {
    return family.next_server < order_.size();
  });
  // Once more behind the last, to see whether that one is silent.
  if (are_left || !std::exchange(has_asked_all_, true)) next_server_.set(next_server_after_ms);
}

void NameLookup::cancel() {
  end_.clear();
  next_server_.clear();
  other_family_.clear();
  advance_.unlink();
  for (Family& family : families_)
    family.questions.clear();
}

void NameLookup::give_up() {
  for (Family& family : families_)
    family.questions.clear();
  has_failed_ = true;
  name_ = names_.size() - 1;
  conclude();
}

NameAnswer NameLookup::answer() const {
  NameAnswer answer;
  uint64_t ttl_s = UINT32_MAX;
  for (const Family& family : families_) {
    answer.is_whole = answer.is_whole && family.is_decided;
    if (family.reply.addresses.empty()) continue;
    ttl_s = std::min(ttl_s, family.reply.ttl_s);
    answer.addresses.insert(
        answer.addresses.end(), family.reply.addresses.begin(), family.reply.addresses.end());
  }
  if (answer.addresses.empty()) {
    answer.error = has_failed_ ? UV_EAI_AGAIN : UV_EAI_NONAME;
    return answer;
  }
  answer.fresh_ms = ttl_s * 1000;
  sort_by_preference(answer.addresses);
  return answer;
}

}  // namespace net
