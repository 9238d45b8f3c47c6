#include "server/admin.h"

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "net/deadline.h"
#include "observe/metrics.h"
#include "server/gathering.h"

namespace server {

namespace {

// For a turn of any worker's loop: they take milliseconds.
constexpr uint64_t turn_ms_max = 5'000;

// Whether all workers still turn: each is asked for nothing but an answer.
class Health final : public local::Answer {
 public:
  Health(const std::vector<std::unique_ptr<Worker>>& workers, local::Responder& responder)
      : responder_(&responder),
        deadline_(
            responder.loop().timers(), this, [](void* self) { static_cast<Health*>(self)->end(); }),
        gathering_(
            workers, *workers.front(), [](size_t) {}, [this] { on_heard(); }) {
    deadline_.set(turn_ms_max);
  }

  void on_over() override { responder_ = nullptr; }

 private:
  void on_heard() {
    if (gathering_.missing().empty()) end();
  }

  void end() {
    if (responder_ == nullptr) return;
    deadline_.clear();
    local::Responder& responder = *responder_;
    std::string text;
    for (const size_t worker : gathering_.missing()) {
      text += fmt::format("worker {} has not answered for {} s\n", worker, turn_ms_max / 1'000);
    }
    responder.reply(text.empty() ? local::Page{.body = "ok\n"}
                                 : local::Page{.status = 503, .body = std::move(text)});
    static_cast<void>(responder.flush());
  }

  local::Responder* responder_;  // nullptr: the answer is over
  net::Deadline deadline_;
  Gathering gathering_;
};

}  // namespace

std::unique_ptr<local::Answer> AdminService::serve(const http::Head& request,
                                                   local::Responder& responder) {
  const std::string_view path = request.target.substr(0, request.target.find('?'));
  if (path == "/healthz") return std::make_unique<Health>(sources_.workers, responder);
  if (path == "/metrics") {
    responder.reply(metrics());
  } else {
    responder.reply({.status = 404, .body = "not found; there are /healthz and /metrics\n"});
  }
  return nullptr;
}

local::Page AdminService::metrics() const {
  std::vector<const observe::Metrics*> metrics;
  for (const auto& worker : sources_.workers)
    metrics.push_back(&worker->metrics());
  std::vector<observe::CertificateFigure> certificates;
  for (const deploy::CertificateEnd& end : sources_.certificate_watch.ends())
    certificates.push_back({end.listener, end.name, end.not_after_s});
  return {
      .content_type = "text/plain; version=0.0.4; charset=utf-8",
      .body = observe::to_prometheus(metrics,
                                     {.access_log_dropped = sources_.access_log.dropped(),
                                      .workers = sources_.workers.size(),
                                      .memory_bytes = sources_.shared.memory.used_bytes(),
                                      .memory_limit_bytes = sources_.shared.memory.limit_bytes(),
                                      .certificates = std::move(certificates)})};
}

}  // namespace server
