#pragma once

// In which order the addresses of a name are tried (RFC 6724 6).

#include <vector>

#include "net/address.h"

namespace net {

// Sorts by what this machine can reach and from which of its own addresses; equal ones keep their
// order. Asks the kernel's routes with one short-lived UDP socket per address; sends nothing.
void sort_by_preference(std::vector<Address>& addresses);

}  // namespace net
