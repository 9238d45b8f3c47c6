#pragma once

// The load tool's upstream in process, plain or TLS, and requests to it.

#include <atomic>
#include <exception>
#include <future>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "bench/base/json.h"
#include "bench/serve/serve.h"
#include "support/proxy_fixture.h"
#include "support/tls_client.h"

namespace test {

// Resource: serve() on a thread of its own, with options of which only `listen` and the files are
// its own. One thread uses it.
class ServeUpstream {
 public:
  explicit ServeUpstream(Transport transport, bench::serve::Options options = {})
      : client_(trusted_authority().certificate_pem()), transport_(transport) {
    options.listen = "127.0.0.1:0";
    if (transport == Transport::tls) {
      static const Credentials leaf = trusted_authority().issue();
      static const TemporaryFile certificate(leaf.certificate_pem);
      static const TemporaryFile key(leaf.key_pem);
      options.certificate_file = certificate.path();
      options.key_file = key.path();
    }
    thread_ = std::thread([this, options] {
      auto served = bench::serve::serve(
          options, [this](uint16_t port) { listening_.set_value(port); }, stop_);
      if (served) {
        counts_ = *served;
      } else {
        listening_.set_exception(std::make_exception_ptr(Failure(served.error())));
      }
    });
    try {
      port_ = listening_.get_future().get();
    } catch (...) {
      thread_.join();
      throw;
    }
  }
  ~ServeUpstream() {
    if (thread_.joinable()) static_cast<void>(stop());
  }
  ServeUpstream(const ServeUpstream&) = delete;
  ServeUpstream& operator=(const ServeUpstream&) = delete;
  ServeUpstream(ServeUpstream&&) = delete;
  ServeUpstream& operator=(ServeUpstream&&) = delete;

  [[nodiscard]] RawClient client(const ConnectOptions& options = {}) {
    if (transport_ == Transport::tls) return RawClient(client_.connect(port_));
    return RawClient(plain_wire(connect_tcp("127.0.0.1", port_, options)));
  }
  [[nodiscard]] std::string url() const {
    const char* scheme = transport_ == Transport::tls ? "https" : "http";
    return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_);
  }
  // One request on a connection of its own.
  [[nodiscard]] Message round_trip(std::string_view request) {
    return client().round_trip(request);
  }
  [[nodiscard]] bench::Json counts() {
    return *bench::parse_json(round_trip(get("/bench/counts")).body);
  }
  bench::serve::Counts stop() {
    stop_ = true;
    thread_.join();
    return counts_;
  }
  [[nodiscard]] const tls::HandshakeCounts& handshakes() const { return client_.handshakes(); }

 private:
  TlsClient client_;
  Transport transport_;
  std::atomic<bool> stop_{false};
  std::promise<uint16_t> listening_;
  bench::serve::Counts counts_;
  uint16_t port_ = 0;
  std::thread thread_;
};

inline constexpr std::string_view chat_path = "/v1/chat/completions";

// A chat's request, answered by JSON; and one that is streamed.
[[nodiscard]] inline std::string chat(std::string_view query = {}) {
  return post(std::string(chat_path) + std::string(query), R"({"model":"gpt-x"})");
}
[[nodiscard]] inline std::string stream(std::string_view query = {}) {
  return post(std::string(chat_path) + std::string(query),
              R"({"model":"gpt-x","messages":[],"stream":true})");
}

// A case that runs on both; its function gets `transport`.
#define TEST_CASE_PLAIN_AND_TLS(name) TEST_CASE_PLAIN_AND_TLS_AS(DOCTEST_ANONYMOUS(on_both_), name)
#define TEST_CASE_PLAIN_AND_TLS_AS(function, name)   \
  static void function(::test::Transport transport); \
  TEST_CASE(name) {                                  \
    SUBCASE("plain") {                               \
      function(::test::Transport::plain);            \
    }                                                \
    SUBCASE("TLS") {                                 \
      function(::test::Transport::tls);              \
    }                                                \
  }                                                  \
  static void function(::test::Transport transport)

}  // namespace test
