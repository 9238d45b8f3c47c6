#include "fleet/redis_link.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "fleet/redis_words.h"
#include "net/tcp.h"

namespace fleet {
namespace {

// For the name, the connection, the login and the scripts together.
constexpr uint64_t connect_ms = 1'000;
// How long a connection that owes an answer is listened to before another one is tried.
constexpr uint64_t silence_ms = 1'000;
// One that did nothing but stood for so long was good, all the same.
constexpr uint64_t long_enough_ms = 1'000;
constexpr uint64_t again_ms_min = 100;
constexpr uint64_t again_ms_max = 2'000;
// For what was sent last to be delivered.
constexpr uint64_t close_ms = 500;

}  // namespace

RedisLink::RedisLink(net::UvLoop& loop,
                     net::Resolver& resolver,
                     const config::Redis& redis,
                     Notices& notices,
                     Listener& listener)
    : loop_(loop),
      resolver_(resolver),
      url_(redis.url),
      place_(redis.url.place()),
      timeout_ms_(redis.timeout_ms),
      notices_(notices),
      listener_(listener),
      flush_(this, [](void* self) { static_cast<RedisLink*>(self)->flush(); }),
      deadline_(
          loop.timers(), this, [](void* self) { static_cast<RedisLink*>(self)->on_deadline(); }),
      again_ms_(again_ms_min) {
  connect();
}

RedisLink::~RedisLink() {
  flush();
}

void RedisLink::connect() {
  state_ = State::connecting;
  ++connections_;
  has_worked_ = false;
  reader_.reset();
  output_.clear();
  greetings_due_ = logins_due_ = 0;
  deadline_.set(std::max(connect_ms, timeout_ms_));
  if (!url_.unix_path.empty()) {
    stream_ = net::Tcp::connect_unix(loop_, url_.unix_path, connect_ms, *this);
  } else {
    const net::ConnectTarget target{.host = url_.host, .port = url_.port, .timeout_ms = connect_ms};
    stream_ = net::Tcp::connect(loop_, resolver_, target, *this);
  }
  stream_->set_reading(true);
}

void RedisLink::on_connected() {
  greet();
}

void RedisLink::greet() {
  const auto say = [&](const RedisCommand& command) {
    command.append_to(output_);
    ++greetings_due_;
  };
  if (!url_.password.empty()) {
    RedisCommand login;
    login.add("AUTH");
    if (!url_.user.empty()) login.add(url_.user);
    say(login.add(url_.password.reveal()));
    ++logins_due_;
  }
  if (url_.database != 0) say(RedisCommand().add("SELECT").add(int64_t{url_.database}));
  for (const Script script : {Script::take, Script::settle, Script::renew, Script::look})
    say(RedisCommand().add("SCRIPT").add("LOAD").add(text_of(script)));
  loop_.defer(flush_);
}

void RedisLink::on_greeting(const RedisReply& reply) {
  const bool is_login = logins_due_ > 0;
  if (is_login) --logins_due_;
  if (reply.is_error()) {
    const bool is_about_login = is_login || reply.text.starts_with("NOAUTH");
    lose(is_about_login ? explain_login(reply.text, !url_.password.empty())
                        : explain(reply.text).why);
    return;
  }
  --greetings_due_;
  if (greetings_due_ < scripts) digests_.at(scripts - 1 - greetings_due_) = reply.text;
  if (greetings_due_ == 0) become_ready();
}

void RedisLink::become_ready() {
  state_ = State::ready;
  is_hopeful_ = true;
  ready_since_ms_ = loop_.now_ms();
  deadline_.clear();
  listener_.on_link_ready();
}

void RedisLink::send(const RedisCommand& command) {
  CHECK(state_ == State::ready);
  command.append_to(output_);
  loop_.defer(flush_);
}

void RedisLink::flush() {
  if (output_.empty() || stream_ == nullptr) return;
  const base::Bytes bytes = base::as_bytes(output_);
  static_cast<void>(stream_->write({&bytes, 1}));  // how much may be due is its listener's to bound
  output_.clear();
}

void RedisLink::on_read(base::Bytes bytes) {
  if (state_ == State::closing) return;
  reader_.feed(bytes);
  const uint64_t connection = connections_;
  while (const auto reply = reader_.next()) {
    on_reply(*reply);
    if (stream_ == nullptr || connections_ != connection) return;  // lost, perhaps made anew
  }
  if (reader_.is_broken()) lose("does not speak Redis' protocol: check redis.url");
}

void RedisLink::on_reply(const RedisReply& reply) {
  if (greetings_due_ > 0) {
    on_greeting(reply);
    return;
  }
  if (state_ == State::silent) become_ready();
  listener_.on_link_reply(reply);
}

void RedisLink::on_read_end(net::ReadEnd /*end*/) {
  if (state_ == State::closing) {
    stream_.reset();
    state_ = State::closed;
    deadline_.clear();
    return;
  }
  lose("has closed the connection");
}

void RedisLink::on_write_error(base::Error error) {
  on_error(error);
}

void RedisLink::on_error(base::Error error) {
  if (state_ == State::closing) {
    on_read_end(net::ReadEnd::truncated);
    return;
  }
  lose(explain(error));
}

// One that served is tried again at once, else after a while that grows.
void RedisLink::lose(std::string why) {
  const bool did_serve =
      state_ == State::ready && (has_worked_ || loop_.now_ms() >= ready_since_ms_ + long_enough_ms);
  stream_.reset();
  output_.clear();
  why_lost_ = std::move(why);
  is_hopeful_ = did_serve;
  state_ = State::waiting;
  if (did_serve) {
    connect();
  } else {
    complain();
    deadline_.set(again_ms_);
    again_ms_ = std::min(2 * again_ms_, again_ms_max);
  }
  listener_.on_link_lost();
}

void RedisLink::give_up(std::string why) {
  if (state_ != State::ready) return;
  state_ = State::silent;
  lose(std::move(why));
}

void RedisLink::doubt() {
  is_hopeful_ = false;
  if (state_ != State::ready) {
    complain();
    return;
  }
  state_ = State::silent;
  why_lost_ = "does not answer in time";
  complain();
  deadline_.set(silence_ms);
}

void RedisLink::praise() {
  has_worked_ = true;
  again_ms_ = again_ms_min;
  notices_.back(place_);
}

void RedisLink::complain(std::string why) {
  why_lost_ = std::move(why);
  complain();
}

void RedisLink::on_deadline() {
  switch (state_) {
    case State::waiting:
      connect();
      break;
    case State::connecting:
    case State::silent:
      lose("does not answer");
      break;
    case State::closing:
      on_read_end(net::ReadEnd::truncated);
      break;
    case State::ready:
    case State::closed:
      break;
  }
}

void RedisLink::close() {
  deadline_.clear();
  if (state_ != State::ready) {
    stream_.reset();
    state_ = State::closed;
    return;
  }
  flush();
  state_ = State::closing;
  stream_->shutdown_write();
  deadline_.set(close_ms);
}

}  // namespace fleet
