#pragma once

// Who may change a file that we believe, who may read one with a secret.

#include <string>
#include <string_view>

namespace base {

// These log a warning where anybody on this machine may do so. Nothing where the file cannot be
// looked at: who reads it says why.
//
// `danger` says what changing it would allow.
void warn_if_anybody_may_write(const std::string& path, std::string_view danger);
// A file with a secret; never with what it holds.
void warn_if_anybody_may_read(const std::string& path);

}  // namespace base
