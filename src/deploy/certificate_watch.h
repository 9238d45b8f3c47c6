#pragma once

// What the operator should know of the certificates in use, before clients complain.

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "config/config.h"
#include "deploy/listener_tls.h"

namespace deploy {

// Value. One certificate in use, for a gauge.
struct CertificateEnd {
  std::string listener;  // its address
  std::string name;      // the first host the certificate is for
  int64_t not_after_s;   // since 1970
};

// Resource, one per process. Any thread.
class CertificateWatch {
 public:
  // These are in use from now on: logs what is wrong with those that were not in use before.
  void use(const std::vector<config::Listen>& listen, const ListenersTls& tls);
  // To be called now and then: logs once a day which of them have expired or soon will.
  void look();

  [[nodiscard]] std::vector<CertificateEnd> ends() const;

 private:
  static constexpr int64_t interval_s = 24 * 60 * 60;

  struct Watched {
    std::string listener;
    tls::CertificateFacts facts;
  };
  mutable std::mutex mutex_;
  std::vector<Watched> watched_;
  ListenersTls known_;
  int64_t look_again_s_ = 0;  // by a clock that is never set
};

}  // namespace deploy
