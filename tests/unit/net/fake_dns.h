#pragma once

// A source of names under the test's control: answers when told, with the addresses told.

#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "net/name_source.h"
#include "recorder.h"

namespace net_test {

// Before the Resolver it serves.
class FakeDns final : public net::NameSource {
 public:
  explicit FakeDns(net::UvLoop& loop) : loop_(loop) {}

  void ask(const std::string& host, Done done) override {
    asked.push_back({host, std::move(done)});
  }

  // Answers the oldest question, and lets the loop hear of it.
  void answer(int error, const std::vector<std::string>& addresses = {}) {
    REQUIRE(!asked.empty());
    const Question question = std::move(asked.front());
    asked.erase(asked.begin());
    net::NameAnswer answer{.error = error};
    for (const std::string& address : addresses)
      answer.addresses.push_back(*net::Address::parse(address, 0));
    question.done(answer);
    run_ready(loop_);
  }

  struct Question {
    std::string host;
    Done done;
  };
  std::vector<Question> asked;

 private:
  net::UvLoop& loop_;
};

}  // namespace net_test
