#include "deploy/certificate_watch.h"

#include <algorithm>
#include <ctime>

#include "base/log.h"

namespace deploy {
namespace {

int64_t uptime_s() {
  timespec now{};
  clock_gettime(CLOCK_BOOTTIME, &now);
  return now.tv_sec;
}

void warn_of_time(const std::string& listener, const tls::CertificateFacts& facts) {
  const std::string why = tls::time_trouble(facts, std::time(nullptr));
  if (!why.empty()) base::log_warning("{}: the certificate for {} {}", listener, facts.name, why);
}

}  // namespace

void CertificateWatch::use(const std::vector<config::Listen>& listen, const ListenersTls& tls) {
  const std::lock_guard lock(mutex_);
  watched_.clear();
  for (size_t i = 0; i < tls.size(); ++i) {
    if (tls[i] == nullptr) continue;
    const bool is_new = std::none_of(known_.begin(), known_.end(), [&](const auto& known) {
      return known != nullptr && known->certificates == tls[i]->certificates;
    });
    for (tls::CertificateFacts& facts : tls[i]->certificates->facts()) {
      const std::string listener = listen[i].text();
      if (is_new) {
        warn_of_time(listener, facts);
        for (const std::string& fault : facts.faults)
          base::log_warning("{}: the certificate for {} {}", listener, facts.name, fault);
      }
      watched_.push_back({listener, std::move(facts)});
    }
  }
  known_ = tls;
  look_again_s_ = uptime_s() + interval_s;
}

void CertificateWatch::look() {
  const std::lock_guard lock(mutex_);
  if (uptime_s() < look_again_s_) return;
  look_again_s_ = uptime_s() + interval_s;
  for (const Watched& one : watched_)
    warn_of_time(one.listener, one.facts);
}

std::vector<CertificateEnd> CertificateWatch::ends() const {
  const std::lock_guard lock(mutex_);
  std::vector<CertificateEnd> ends;
  for (const Watched& one : watched_)
    ends.push_back({one.listener, one.facts.name, one.facts.not_after_s});
  return ends;
}

}  // namespace deploy
