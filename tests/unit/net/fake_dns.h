#pragma once

// A system lookup under the test's control: answers when told, with the addresses told.

#include <memory>
#include <netdb.h>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <uv.h>

#include "net/resolver.h"

namespace net_test {

// One alive at a time, since libuv's signature carries no context; before the Resolver it serves.
class FakeDns {
 public:
  FakeDns() {
    REQUIRE(current_ == nullptr);
    current_ = this;
  }
  ~FakeDns() { current_ = nullptr; }
  FakeDns(const FakeDns&) = delete;
  FakeDns& operator=(const FakeDns&) = delete;
  FakeDns(FakeDns&&) = delete;
  FakeDns& operator=(FakeDns&&) = delete;

  static int lookup(uv_loop_t* /*loop*/,
                    uv_getaddrinfo_t* request,
                    uv_getaddrinfo_cb done,
                    const char* host,
                    const char* /*service*/,
                    const addrinfo* /*hints*/) {
    if (current_->refuse_with != 0) return current_->refuse_with;
    current_->asked.push_back({request, done, host});
    return 0;
  }

  // Answers the oldest question.
  void answer(int status, const std::vector<std::string>& addresses = {}) {
    REQUIRE(!asked.empty());
    const Question question = asked.front();
    asked.erase(asked.begin());
    addrinfo* first = nullptr;
    addrinfo** end = &first;
    for (const std::string& address : addresses) {
      addrinfo hints{};
      hints.ai_socktype = SOCK_STREAM;
      hints.ai_flags = AI_NUMERICHOST;
      REQUIRE(::getaddrinfo(address.c_str(), nullptr, &hints, end) == 0);
      end = &(*end)->ai_next;
    }
    question.done(question.request, status, first);
  }

  struct Question {
    uv_getaddrinfo_t* request;
    uv_getaddrinfo_cb done;
    std::string host;
  };
  std::vector<Question> asked;
  int refuse_with = 0;

 private:
  static inline FakeDns* current_ = nullptr;
};

}  // namespace net_test
