#pragma once

// What Redis' refusals mean, in words that go behind its place: "is full: …". Pure.

#include <string>
#include <string_view>

#include "base/error.h"

namespace fleet {

// Value. What becomes of the connection it came on.
struct Refusal {
  std::string why;
  bool is_of_connection = false;  // another one may do better
  bool is_unknown = false;        // so asking again will hardly help
};

// Of what an error reply to a script says.
[[nodiscard]] Refusal explain(std::string_view error);
// Of one to the login: never its text, which may quote the password.
[[nodiscard]] std::string explain_login(std::string_view error, bool has_password);
// Of a connection that failed.
[[nodiscard]] std::string explain(base::Error error);

}  // namespace fleet
