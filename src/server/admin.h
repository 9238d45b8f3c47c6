#pragma once

// The admin endpoint: health and metrics.

#include <memory>
#include <vector>

#include "accept/reception.h"
#include "deploy/certificate_watch.h"
#include "local/service.h"
#include "observe/access_log.h"
#include "server/worker.h"

namespace server {

class AdminService final : public local::Service {
 public:
  // What it reads; outlives it. The first worker is the one it answers on.
  struct Sources {
    const std::vector<std::unique_ptr<Worker>>& workers;
    const observe::AccessLog& access_log;
    const accepting::SharedCounts& shared;
    const deploy::CertificateWatch& certificate_watch;
  };
  explicit AdminService(const Sources& sources) : sources_(sources) {}

  [[nodiscard]] bool is_limited() const override { return false; }
  [[nodiscard]] bool is_logged() const override { return false; }

  std::unique_ptr<local::Answer> serve(const http::Head& request,
                                       local::Responder& responder) override;

 private:
  [[nodiscard]] local::Page metrics() const;

  Sources sources_;
};

}  // namespace server
