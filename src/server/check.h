#pragma once

// A configuration tried without serving it.

#include <string>
#include <vector>

#include "config/config.h"

namespace server {

// Opens all that `config` names (certificates, keys, CA files, the access log, acme_webroot), binds
// nothing and creates nothing. What is wrong, each with its key and what to do; empty: it would be
// served, if its addresses are free. Needs tls::init().
[[nodiscard]] std::vector<std::string> check(const config::Config& config);

}  // namespace server
