#include "policy/loop.h"

#include <string>

#include <doctest/doctest.h>

#include "head_builder.h"

TEST_CASE("a request is known again by our mark, among those of others") {
  base::Arena arena;
  const http::Head fresh = make_request("GET", {{"Host", "h"}});
  CHECK_FALSE(policy::has_come_back(fresh));
  const std::string mark(policy::marked(fresh, arena));
  CHECK(mark.size() == 16);
  CHECK(policy::marked(fresh, arena) == mark);

  http::Head strange = make_request("GET", {{"x-proxy-loop", "0123456789abcdef"}});
  CHECK_FALSE(policy::has_come_back(strange));
  CHECK(policy::marked(strange, arena) == "0123456789abcdef, " + mark);
  strange.add("X-Proxy-Loop", "other");
  CHECK(policy::marked(strange, arena) == "0123456789abcdef, other, " + mark);

  const std::string list = "0123456789abcdef,\t" + mark + " ";
  CHECK(policy::has_come_back(make_request("GET", {{"X-Proxy-Loop", list}})));
  CHECK(
      policy::has_come_back(make_request("GET", {{"X-Proxy-Loop", "x"}, {"X-Proxy-Loop", mark}})));
  CHECK_FALSE(policy::has_come_back(make_request("GET", {{"X-Proxy-Loop", mark + "x"}})));
}
