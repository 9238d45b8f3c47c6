#pragma once

// A whole proxy in process, on ports the system chose, configured by YAML as a user would.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "server/server.h"
#include "support/certificates.h"
#include "support/files.h"
#include "support/raw_client.h"
#include "support/raw_upstream.h"

namespace test {

enum class Transport : uint8_t { plain, tls };

// What a case runs over; see TEST_CASE_TRANSPORTS.
struct Transports {
  Transport client = Transport::plain;
  Transport upstream = Transport::plain;
};

// The root that test_config() makes the proxy trust, and the file it is in.
[[nodiscard]] const Authority& trusted_authority();
[[nodiscard]] const std::string& trusted_file();

// For a RawUpstream: TLS with these credentials; or plain, or TLS with a certificate that is fine.
[[nodiscard]] RawUpstream::Options tls_options(const Credentials& credentials);
[[nodiscard]] RawUpstream::Options upstream_options(Transport transport);

// `yaml` as a Config for tests: where it does not say otherwise, it listens on 127.0.0.1:0, has one
// worker, no admin endpoint and no access log, and the `openai` upstream is `upstream_url` with the
// tests' certification authority.
[[nodiscard]] config::Config test_config(std::string_view upstream_url, std::string_view yaml);

// Resource. Declare it after the upstream: it must end first.
class Proxy {
 public:
  explicit Proxy(const RawUpstream& upstream, std::string_view yaml = "")
      : Proxy(upstream.url(), yaml) {}
  Proxy(std::string_view upstream_url, std::string_view yaml);
  explicit Proxy(config::Config config);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;
  Proxy(Proxy&&) = delete;
  Proxy& operator=(Proxy&&) = delete;

  // A new client connection to the first listener.
  [[nodiscard]] RawClient client(const ConnectOptions& options = {}) const;
  [[nodiscard]] uint16_t port() const { return server_->listening()[0].port; }
  [[nodiscard]] server::Server& server() { return *server_; }

  // Throws Failure when it is refused.
  void reload(std::string_view upstream_url, std::string_view yaml = "");

  // One request over a connection of its own.
  [[nodiscard]] Message round_trip(std::string_view request) const;

 private:
  std::unique_ptr<server::Server> server_;
  bool is_tls_ = false;
};

// GET `target` as a minimal request; and with a body of Content-Length.
[[nodiscard]] std::string get(std::string_view target, const Fields& fields = {});
[[nodiscard]] std::string post(std::string_view target,
                               std::string_view body,
                               const Fields& fields = {});

// The JSON error body of ours: its parts, or a Failure when it is not of the API's shape.
struct ApiError {
  std::string message;
  std::string type;
  std::string code;  // "null" as null
};
[[nodiscard]] ApiError api_error(const Message& response);

// While it lives, a proxy whose configuration names no listener speaks this to its clients, and so
// does Proxy::client().
class ClientTransport {
 public:
  explicit ClientTransport(Transport transport);
  ~ClientTransport();
  ClientTransport(const ClientTransport&) = delete;
  ClientTransport& operator=(const ClientTransport&) = delete;
  ClientTransport(ClientTransport&&) = delete;
  ClientTransport& operator=(ClientTransport&&) = delete;
};

// The files of a certificate that is fine, as `listen.tls`.
[[nodiscard]] config::ListenTls trusted_listener();

// A case that runs on each transport, clients' and upstream's; its function gets `transports`.
#define TEST_CASE_TRANSPORTS(name) TEST_CASE_TRANSPORTS_AS(DOCTEST_ANONYMOUS(on_transports_), name)
#define TEST_CASE_TRANSPORTS_AS(function, name)                \
  static void function(const ::test::Transports& transports);  \
  TEST_CASE(name) {                                            \
    using enum ::test::Transport;                              \
    ::test::Transports transports;                             \
    SUBCASE("plain client, plain upstream") {                  \
      transports = {plain, plain};                             \
    }                                                          \
    SUBCASE("plain client, TLS upstream") {                    \
      transports = {plain, tls};                               \
    }                                                          \
    SUBCASE("TLS client, plain upstream") {                    \
      transports = {tls, plain};                               \
    }                                                          \
    SUBCASE("TLS client, TLS upstream") {                      \
      transports = {tls, tls};                                 \
    }                                                          \
    const ::test::ClientTransport speaking(transports.client); \
    function(transports);                                      \
  }                                                            \
  static void function(const ::test::Transports& transports)

}  // namespace test
