#pragma once

// How an upstream is spoken to, and what is demanded of it.

#include <cstdint>
#include <string>

namespace tls {

enum class Version : uint8_t { tls12, tls13 };
enum class Verify : uint8_t {
  required,
  none,  // any certificate passes: only for tests and networks one trusts
};

// Value. How to reach one upstream origin.
struct ClientOptions {
  // Sent as SNI and demanded of the certificate. An IP literal (IPv6 without brackets) is demanded
  // but not sent (RFC 6066 3).
  std::string server_name;
  Verify verify = Verify::required;
  Version min_version = Version::tls12;

  // Sessions are told apart by it (see SessionCaches): whatever is added here takes part.
  bool operator==(const ClientOptions&) const = default;
};

}  // namespace tls
