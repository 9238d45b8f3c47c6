#pragma once

// Where a client came in, and what is behind it.

#include <cstdint>
#include <string>

namespace proxy {

// What listens behind the address a client came to.
enum class Purpose : uint8_t {
  proxy,
  admin,
  redirect,  // sends clients to the https address
};

// Value, of one listening address; outlives the connections that came through it.
struct Entrance {
  Purpose purpose = Purpose::proxy;
  bool is_https = false;
  uint16_t https_port = 443;      // where redirects lead
  std::string acme_webroot = {};  // whose challenge files are served; empty: none
};

}  // namespace proxy
