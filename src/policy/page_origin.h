#pragma once

// Whether an upstream hears of the web page that a request came from. Servers that run beside the
// proxy (Ollama and its like) refuse pages they do not know; which pages may use them is the
// proxy's to say (cors), and they see a request as any program sends it.

#include "base/url.h"
#include "config/config.h"
#include "http/head.h"

namespace policy {

// Whether it runs on this machine or in a private network, by its name or address alone: a unix
// socket, an address that is not routed in public, a name without a dot or under a domain for such
// use (localhost, local, internal, lan, home.arpa). Pure.
[[nodiscard]] bool is_local(const base::Origin& origin);

// What `wanted` means for an upstream at `origin`. Pure.
[[nodiscard]] bool hides_page(config::PageOrigin wanted, const base::Origin& origin);

// Drops Origin, Referer and Sec-Fetch-* from a request's head, in place.
void hide_page(http::Head& request);

}  // namespace policy
