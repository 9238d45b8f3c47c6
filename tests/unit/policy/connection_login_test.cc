#include "policy/connection_login.h"

#include <doctest/doctest.h>

#include "head_builder.h"

TEST_CASE("logins that hold for a connection are told from those of a request") {
  for (const char* value : {"NTLM TlRMTVNTUAAB",
                            "ntlm x",
                            "Negotiate YII=",
                            "NEGOTIATE",
                            "Kerberos x",
                            "NTLM\tx",
                            "Nego2 x"}) {
    CAPTURE(value);
    CHECK(policy::is_connection_login(make_request("GET", {{"authorization", value}})));
    CHECK(policy::is_connection_login(make_response(401, {{"WWW-Authenticate", value}})));
    CHECK(policy::is_connection_login(make_response(407, {{"Proxy-Authenticate", value}})));
  }
  CHECK(policy::is_connection_login(make_response(
      401, {{"WWW-Authenticate", "Basic realm=\"a\""}, {"WWW-Authenticate", "NTLM"}})));
  CHECK(policy::is_connection_login(
      make_response(401, {{"WWW-Authenticate", "Basic realm=\"a\", Negotiate, NTLM"}})));
  for (const char* value :
       {"Bearer NTLM", "Basic TlRMTQ==", "Digest realm=\"NTLM\"", "NTLMv2x y", ""}) {
    CAPTURE(value);
    CHECK_FALSE(policy::is_connection_login(make_request("GET", {{"Authorization", value}})));
  }
  CHECK_FALSE(policy::is_connection_login(make_request("GET", {{"X-Authorization", "NTLM x"}})));
  CHECK_FALSE(policy::is_connection_login(make_response(200, {})));
}
