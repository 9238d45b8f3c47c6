#include "net/uv_loop.h"

#include <algorithm>
#include <utility>

#include "base/check.h"

namespace net {
namespace {

template <class H>
uv_handle_t* as_handle(H& handle) {
  return reinterpret_cast<uv_handle_t*>(&handle);
}

}  // namespace

UvLoop::UvLoop() {
  CHECK(uv_loop_init(&uv_) == 0);
  CHECK(uv_timer_init(&uv_, &timer_) == 0);
  CHECK(uv_prepare_init(&uv_, &prepare_) == 0);
  CHECK(uv_check_init(&uv_, &check_) == 0);
  for (uv_handle_t* own : {as_handle(timer_), as_handle(prepare_), as_handle(check_)}) {
    own->data = this;
    uv_unref(own);
  }
  uv_.data = this;
  // Before polling, for what timers and close callbacks left; after it, for what sockets did.
  uv_prepare_start(&prepare_, [](uv_prepare_t* prepare) { from(prepare->data).on_prepare(); });
  uv_check_start(&check_, [](uv_check_t* check) { from(check->data).end_turn(); });
}

UvLoop::~UvLoop() {
  end_turn();
  for (uv_handle_t* own : {as_handle(timer_), as_handle(prepare_), as_handle(check_)}) {
    uv_close(own, nullptr);
  }
  do {
    end_turn();
    uv_walk(
        &uv_, [](uv_handle_t* handle, void*) { CHECK(uv_is_closing(handle)); }, nullptr);
    uv_run(&uv_, UV_RUN_DEFAULT);
  } while (turn_pending());
  CHECK(uv_loop_close(&uv_) == 0);
}

void UvLoop::run() {
  running_ = Running::on;
  do {
    end_turn();
    if (uv_run(&uv_, UV_RUN_DEFAULT) != 0) break;
  } while (turn_pending());
  running_ = Running::no;
}

void UvLoop::run_once() {
  running_ = Running::once;
  uv_run(&uv_, UV_RUN_ONCE);
  end_turn();
  running_ = Running::no;
}

void UvLoop::stop() {
  uv_stop(&uv_);
}

uint64_t UvLoop::now_ms() const {
  // Nobody keeps libuv's clock while the loop does not run.
  if (running_ == Running::no) uv_update_time(&uv_);
  return uv_now(&uv_);
}

void UvLoop::offload(std::unique_ptr<Offloaded> work) {
  struct Job {
    uv_work_t request{};
    std::unique_ptr<Offloaded> work;
  };
  auto* job = new Job{{}, std::move(work)};
  job->request.data = job;
  const int result = uv_queue_work(
      &uv_,
      &job->request,
      [](uv_work_t* request) { static_cast<Job*>(request->data)->work->run(); },
      [](uv_work_t* request, int /*status*/) {
        const std::unique_ptr<Job> done(static_cast<Job*>(request->data));
        done->work->done();
      });
  CHECK(result == 0);  // it fails for want of a callback only
}

void UvLoop::on_prepare() {
  if (!turn_pending()) return;
  end_turn();
  handled();
}

// Something has been done in this turn already: run_once() shall not wait for more.
void UvLoop::handled() {
  if (running_ == Running::once) uv_stop(&uv_);
}

void UvLoop::timer_needed_by(uint64_t due_ms) {
  const uint64_t now = now_ms();
  uv_timer_start(
      &timer_,
      [](uv_timer_t* timer) { from(timer->data).on_timer(); },
      due_ms - std::min(due_ms, now),
      0);
}

void UvLoop::on_timer() {
  advance(uv_now(&uv_));
  if (timers().next_ms() != 0) timer_needed_by(timers().next_ms());
  handled();
}

}  // namespace net
