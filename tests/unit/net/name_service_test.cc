// The process's own lookups, as far as they need no name server: those are tested in namespaces of
// their own, in tests/hostile/names.py.

#include "net/name_service.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

TEST_CASE("localhost, and names below it, are this machine whatever the servers say") {
  net::NameService names;
  for (const char* host : {"localhost", "LOCALHOST", "some.localhost"}) {
    CAPTURE(host);
    const net::NameAnswer answer = names.ask_and_wait(host);
    CHECK(answer.error == 0);
    CHECK_FALSE(answer.addresses.empty());
    for (const net::Address& address : answer.addresses) {
      CHECK(address.is_loopback());
      CHECK(address.port() == 0);
    }
  }
}

TEST_CASE("what is no name is refused, not asked for") {
  net::NameService names;
  for (const std::string& host : {std::string(300, 'a'), std::string("a..b"), std::string()}) {
    CAPTURE(host);
    CHECK(names.ask_and_wait(host).error != 0);
  }
}

TEST_CASE("a service may go while questions are out") {
  std::vector<int> answers(20);
  {
    net::NameService names;
    for (size_t i = 0; i < answers.size(); ++i)
      names.ask(std::to_string(i) + ".invalid", [&, i](const net::NameAnswer&) { ++answers[i]; });
  }
  for (const int count : answers)
    CHECK(count <= 1);
}
