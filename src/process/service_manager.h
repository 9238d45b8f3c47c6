#pragma once

// What systemd wants to hear of a unit with Type=notify.

#include <string_view>

namespace process {

// Tells the service manager `state` ("READY=1"; see sd_notify(3)) where there is one that listens.
void tell_service_manager(std::string_view state);

}  // namespace process
