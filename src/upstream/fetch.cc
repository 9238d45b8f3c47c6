#include "upstream/fetch.h"

#include "base/arena.h"
#include "base/check.h"
#include "net/deadline.h"
#include "stream/http_stream.h"

namespace upstream {
namespace {

using base::Code;
using base::Side;

constexpr uint8_t interim_max = 32;  // 1xx responses before the final one

// Such requests change nothing that matters when they run twice.
bool may_run_twice(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

}  // namespace

class Fetch::Run final : public net::Buried,
                         private UpstreamWaiter,
                         private stream::ResponseListener {
 public:
  Run(net::Loop& loop, std::shared_ptr<UpstreamPool> pool, FetchRequest request, OnDone on_done)
      : loop_(loop),
        pool_(std::move(pool)),
        request_(std::move(request)),
        on_done_(std::move(on_done)),
        deadline_(loop.timers(),
                  this,
                  [](void* self) {
                    static_cast<Run*>(self)->end(base::Error{Code::timeout, Side::upstream});
                  }),
        tell_(this, [](void* self) { static_cast<Run*>(self)->tell(); }) {}

  ~Run() override { CHECK(upstream_ == nullptr && !is_linked()); }
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  Run(Run&&) = delete;
  Run& operator=(Run&&) = delete;

  void start() {
    deadline_.set(request_.timeout_ms);
    acquire(UpstreamPool::Wanted::any);
  }

  void cancel() {
    on_done_ = nullptr;
    tell_.unlink();
    leave();
  }

 private:
  void on_upstream_ready(std::unique_ptr<stream::UpstreamStream> upstream) override {
    send(std::move(upstream));
  }
  void on_upstream_unavailable(base::Error error) override { end(error); }

  void on_response_head() override;
  void on_response_body(base::Bytes bytes) override;
  void on_response_end() override;
  void on_response_flush() override {}
  void on_upstream_drained() override {}
  void on_upstream_failed(base::Error error) override;

  void acquire(UpstreamPool::Wanted wanted);
  void send(std::unique_ptr<stream::UpstreamStream> upstream);
  [[nodiscard]] bool may_try_again() const;
  void give_back();
  void leave();
  void end(Result result);
  void tell();

  net::Loop& loop_;
  std::shared_ptr<UpstreamPool> pool_;
  FetchRequest request_;
  OnDone on_done_;  // empty: cancelled, or told
  net::Deadline deadline_;
  net::Deferred tell_;
  std::optional<Result> result_;  // there is one: it is over
  std::unique_ptr<stream::UpstreamStream> upstream_;
  base::Arena arena_;
  http::Head request_head_;
  http::Head response_head_;
  FetchResponse response_;
  uint8_t interim_heads_ = 0;
  bool has_tried_again_ = false;
};

void Fetch::Run::acquire(UpstreamPool::Wanted wanted) {
  UpstreamPool::Acquired acquired = pool_->acquire(*this, wanted);
  if (acquired.stream) {
    send(std::move(acquired.stream));
  } else if (acquired.error) {
    end(*acquired.error);
  }
}

void Fetch::Run::send(std::unique_ptr<stream::UpstreamStream> upstream) {
  upstream_ = std::move(upstream);
  arena_.reset();
  request_head_.clear();
  request_head_.method = request_.method;
  request_head_.target = request_.target;
  request_head_.add("Host", pool_->identity().host);
  for (const auto& [name, value] : request_.fields)
    request_head_.add(name, value);
  upstream_->attach({.listener = *this,
                     .response_head = response_head_,
                     .arena = arena_,
                     .request_method = request_.method});
  stream::Body body;
  if (request_.body) body = {stream::Body::Kind::length, request_.body->size()};
  upstream_->send_head(request_head_, body);
  if (request_.body) upstream_->send_body(base::as_bytes(*request_.body));
  upstream_->send_end({});
  static_cast<void>(upstream_->flush());  // what it does not take now waits in its queue
}

void Fetch::Run::on_response_head() {
  const uint16_t status = response_head_.status;
  if (status == 101 || (status < 200 && ++interim_heads_ > interim_max)) {
    end(base::Error{Code::parse, Side::upstream});  // nobody asked for that
  } else if (status >= 200) {
    response_.status = status;
    for (const http::Field& field : response_head_.fields)
      response_.fields.emplace_back(field.name, field.value);
    const std::optional<uint64_t> length = upstream_->facts().content_length;
    const bool has_body = upstream_->facts().body.kind != stream::Body::Kind::none;
    if (has_body && length && *length > request_.response_bytes_max) {
      end(base::Error{Code::too_large, Side::upstream});
    }
  }
}

void Fetch::Run::on_response_body(base::Bytes bytes) {
  if (bytes.size() > request_.response_bytes_max - response_.body.size()) {
    end(base::Error{Code::too_large, Side::upstream});
  } else {
    response_.body += base::as_text(bytes);
  }
}

void Fetch::Run::on_response_end() {
  give_back();
  end(std::move(response_));
}

void Fetch::Run::on_upstream_failed(base::Error error) {
  if (!may_try_again()) {
    end(error);
    return;
  }
  has_tried_again_ = true;
  leave();
  acquire(UpstreamPool::Wanted::fresh);
}

// Idle connections die; who meets one that did is to notice nothing.
bool Fetch::Run::may_try_again() const {
  const bool was_kept = upstream_->has_served() && !upstream_->facts().response_begun;
  return was_kept && interim_heads_ == 0 && !has_tried_again_ &&
         (may_run_twice(request_.method) || upstream_->has_refused_request());
}

void Fetch::Run::give_back() {
  if (upstream_->detach()) {
    pool_->release(std::move(upstream_));
  } else {
    pool_->discard(std::move(upstream_));
  }
}

// Whatever it waits for or uses.
void Fetch::Run::leave() {
  if (is_linked()) pool_->cancel(*this);
  if (!upstream_) return;
  static_cast<void>(upstream_->detach());
  pool_->discard(std::move(upstream_));
}

void Fetch::Run::end(Result result) {
  CHECK(!result_);
  result_ = std::move(result);
  deadline_.clear();
  leave();
  loop_.defer(tell_);
}

// The callback may destroy us; the graveyard keeps us to the end of this.
void Fetch::Run::tell() {
  const OnDone on_done = std::exchange(on_done_, nullptr);
  if (on_done) on_done(*std::move(result_));
}

Fetch::Fetch(net::Loop& loop,
             std::shared_ptr<UpstreamPool> pool,
             FetchRequest request,
             OnDone on_done)
    : loop_(loop),
      run_(std::make_unique<Run>(loop, std::move(pool), std::move(request), std::move(on_done))) {
  run_->start();
}

Fetch::~Fetch() {
  run_->cancel();
  loop_.bury(std::move(run_));
}

}  // namespace upstream
