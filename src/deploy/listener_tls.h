#pragma once

// What a listener that speaks TLS is made of, read from its files.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "config/config.h"
#include "tls/server_context.h"

namespace deploy {

// What tells that a file was replaced or written to; all zero where there is none.
struct FileStamp {
  uint64_t device = 0;
  uint64_t inode = 0;
  uint64_t size = 0;
  uint64_t modified_ns = 0;

  bool operator==(const FileStamp&) const = default;
};

// Value, shared by the workers; immutable but for the ticket keys.
struct ListenerTls {
  std::shared_ptr<const tls::ServerCertificates> certificates;
  std::shared_ptr<const tls::TrustStore> client_ca;  // null: clients are not asked
  tls::Version min_version = tls::Version::tls12;
  std::shared_ptr<tls::TicketKeys> ticket_keys;
  std::vector<FileStamp> stamps;  // of the files, from before they were read
};

// By listener, in the configuration's order; null where it is plain.
using ListenersTls = std::vector<std::shared_ptr<const ListenerTls>>;

// The stamps of the files that `listen` names, now.
[[nodiscard]] std::vector<FileStamp> stamps_of(const config::ListenTls& listen);

// Reads them. `former` is what it replaces, whose sessions stay good; null where there is none. The
// error says which file is wrong, why, and what to do.
[[nodiscard]] base::Result<std::shared_ptr<const ListenerTls>, std::string> load_listener_tls(
    const config::ListenTls& listen, const ListenerTls* former);

// The same for all of `listen`. `former` is empty, or of the same listeners.
[[nodiscard]] base::Result<ListenersTls, std::string> load_listeners_tls(
    const std::vector<config::Listen>& listen, const ListenersTls& former);

}  // namespace deploy
