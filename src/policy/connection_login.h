#pragma once

// Logins that hold for a connection instead of a request: whatever comes over it next is taken for
// that user's (NTLM; Negotiate, RFC 4559 6).

#include "http/head.h"

namespace policy {

// Whether a request's credentials, or a response's challenge, are of such a scheme. Taken widely: a
// connection too many that only one client gets costs a handshake, one too few a stranger's login.
[[nodiscard]] bool is_connection_login(const http::Head& head);

}  // namespace policy
