#pragma once

// What a listener that speaks TLS is made of, read from its files.

#include <memory>
#include <string>
#include <vector>

#include "base/file_stamp.h"
#include "base/result.h"
#include "config/config.h"
#include "tls/server_context.h"

namespace deploy {

// Value, shared by the workers; immutable but for the ticket keys.
struct ListenerTls {
  std::shared_ptr<const tls::ServerCertificates> certificates;
  std::shared_ptr<const tls::TrustStore> client_ca;  // null: clients are not asked
  tls::Version min_version = tls::Version::tls12;
  std::shared_ptr<tls::TicketKeys> ticket_keys;
  std::vector<base::FileStamp> stamps;  // of the files, from before they were read
};

// By listener, in the configuration's order; null where it is plain.
using ListenersTls = std::vector<std::shared_ptr<const ListenerTls>>;

// The stamps of the files that `listen` names, now.
[[nodiscard]] std::vector<base::FileStamp> stamps_of(const config::ListenTls& listen);

// Reads them. `former` is what it replaces, whose sessions stay good; null where there is none. The
// error says which file is wrong, why, and what to do.
[[nodiscard]] base::Result<std::shared_ptr<const ListenerTls>, std::string> load_listener_tls(
    const config::ListenTls& listen, const ListenerTls* former);

// The same for all of `listen`. `former` is empty, or of the same listeners.
[[nodiscard]] base::Result<ListenersTls, std::string> load_listeners_tls(
    const std::vector<config::Listen>& listen, const ListenersTls& former);

}  // namespace deploy
