#include "upstream/origin_dialer.h"

#include <utility>

#include "net/tcp.h"
#include "tls/stream.h"

namespace upstream {

OriginDialer::OriginDialer(net::UvLoop& loop,
                           net::Resolver& resolver,
                           base::Origin origin,
                           const config::Upstream& upstream,
                           Tls tls,
                           const net::OwnAddresses& own)
    : loop_(loop),
      resolver_(resolver),
      own_(own),
      origin_(std::move(origin)),
      timeouts_(upstream.timeouts) {
  if (origin_.scheme != base::Scheme::https) return;
  const tls::ClientOptions options{
      .server_name = std::move(tls.server_name),
      .verify = upstream.tls.verify ? tls::Verify::required : tls::Verify::none,
      .min_version = upstream.tls.min_version == config::TlsVersion::tls1_3 ? tls::Version::tls13
                                                                            : tls::Version::tls12};
  std::shared_ptr<tls::SessionCache> sessions =
      tls.sessions->of(origin_.text(), options, tls.trust.get());
  tls_ = std::make_unique<tls::ClientContext>(options, std::move(tls.trust), std::move(sessions));
}

std::unique_ptr<net::ByteStream> OriginDialer::dial(net::ByteStreamListener& listener) {
  if (!origin_.unix_path.empty()) {
    return net::Tcp::connect_unix(loop_, origin_.unix_path, timeouts_.connect_ms, listener);
  }
  const net::ConnectTarget target{.host = origin_.host,
                                  .port = origin_.port,
                                  .timeout_ms = timeouts_.connect_ms,
                                  .unreachable_ms = timeouts_.unreachable_ms,
                                  .own = &own_};
  std::unique_ptr<net::ByteStream> tcp = net::Tcp::connect(loop_, resolver_, target, listener);
  if (!tls_) return tcp;
  auto stream = std::make_unique<tls::TlsStream>(
      loop_, std::move(tcp), tls::TransportState::connecting, *tls_, timeouts_.tls_handshake_ms);
  stream->set_listener(listener);
  return stream;
}

uint64_t OriginDialer::moves() {
  if (!origin_.unix_path.empty()) return 0;  // a socket's file has no name to look up
  const uint64_t now_ms = loop_.now_ms();
  if (now_ms >= look_again_ms_) {
    look_again_ms_ = now_ms + look_again_after_ms;
    resolver_.refresh(origin_.host);
  }
  return resolver_.changes();
}

bool OriginDialer::leads_to(const net::Address& peer) const {
  return resolver_.leads_to(origin_.host, peer);
}

}  // namespace upstream
