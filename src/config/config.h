#pragma once

// The configuration as plain values with their defaults. Loading and checking it is load.h's.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/log.h"
#include "base/network.h"
#include "base/url.h"
#include "config/period.h"
#include "config/secret.h"

namespace config {

// Durations are milliseconds, sizes are bytes; 0 means "no limit" only where a comment says so.

// Who in front of us tells whose connection it forwards (the PROXY protocol).
struct ProxyProtocol {
  std::vector<base::Network> from = {};  // these must, others may not

  bool operator==(const ProxyProtocol&) const = default;
};

enum class TlsVersion : uint8_t { tls1_2, tls1_3 };

// A certificate's file, the leaf first, then its issuers, and its key's; both PEM.
struct CertificateFiles {
  std::string certificate = {};
  std::string key = {};

  bool operator==(const CertificateFiles&) const = default;
};

struct ListenTls {
  std::string certificate = {};  // the one for clients that name none of them
  std::string key = {};
  std::vector<CertificateFiles> certificates = {};  // more, chosen by the name a client asks for
  TlsVersion min_version = TlsVersion::tls1_2;
  std::string client_ca = {};  // not empty: clients must show a certificate that it signed

  bool operator==(const ListenTls&) const = default;
};

// One listening address: TCP (`host` is a literal IPv4 or IPv6 address) or a unix socket.
struct Listen {
  std::string host = "0.0.0.0";
  uint16_t port = 8080;   // 0: the system chooses
  std::string unix_path;  // not empty: a unix socket, host and port unused
  ProxyProtocol proxy_protocol = {};
  std::optional<ListenTls> tls = {};
  bool redirect_to_https = false;  // every request is answered with 308
  std::string acme_webroot = {};   // the folder whose challenge files are served; empty: none

  bool operator==(const Listen&) const = default;
  // As the configuration writes it: "0.0.0.0:8080", "[::]:8080", "unix:/path".
  [[nodiscard]] std::string text() const;
};

// A day of the calendar.
struct Date {
  int64_t days = 0;  // since 1970-01-01

  bool operator==(const Date&) const = default;
};

struct UpstreamTls {
  bool verify = true;
  std::string ca_file;  // empty: the system's store
  TlsVersion min_version = TlsVersion::tls1_2;

  bool operator==(const UpstreamTls&) const = default;
};

struct Pool {
  uint32_t connections_max = 4096;  // per worker
  uint32_t idle_max = 64;           // per worker
  uint32_t idle_timeout_ms = 55'000;
  uint32_t waiting_max = 1024;  // requests waiting for a connection, per worker
  uint32_t waiting_timeout_ms = 10'000;
  uint32_t warm = 0;  // idle connections kept ready, per worker
};

struct UpstreamTimeouts {
  uint32_t connect_ms = 5'000;
  uint32_t tls_handshake_ms = 5'000;
  uint32_t unreachable_ms = 12'000;  // its machine acknowledges nothing; 0: left to the system
  uint32_t first_byte_ms = 15 * 60'000;
  uint32_t silence_ms = 15 * 60'000;
  uint32_t stream_silence_ms = 15 * 60'000;  // of event streams and tunnels
};

// Whether an upstream hears of the web page that a request came from (Origin, Referer).
enum class PageOrigin : uint8_t {
  automatic,  // not where it runs on this machine or in a private network
  keep,
  drop,
};

// Where an upstream wants its key.
struct KeyPlace {
  enum class Kind : uint8_t {
    authorization,  // as a Bearer token
    header,
    query,
  };
  Kind kind = Kind::authorization;
  std::string name = {};  // of the header, in lower case, or the query's member

  bool operator==(const KeyPlace&) const = default;
};

struct UpstreamKey {
  std::string name = {};  // for logs; empty: its place in the list, from 1
  Secret key = {};
  uint32_t weight = 1;            // of the requests, among the others
  std::string group = {};         // keys of one group see the same stored objects
  std::string organization = {};  // OpenAI-Organization; empty: none
  std::string project = {};       // OpenAI-Project
  int64_t rpm_limit = 0;          // requests a minute; 0: none, as below
  int64_t tpm_limit = 0;          // tokens a minute
  uint32_t max_parallel_requests = 0;
};

struct Upstream {
  base::Url url;     // https://api.openai.com; url.target is the base path; or a unix socket
  std::string host;  // Host and SNI where they differ from the URL's; may carry a port
  PageOrigin origin = PageOrigin::automatic;
  std::vector<UpstreamKey> keys = {};  // none: the client's own goes through
  KeyPlace key_in = {};
  UpstreamTls tls;
  Pool pool;
  UpstreamTimeouts timeouts;
};

// So much in each period; one of the three.
struct WindowLimit {
  int64_t requests = 0;
  int64_t tokens = 0;
  int64_t budget = 0;  // nano-dollars
  Period per = {};

  bool operator==(const WindowLimit&) const = default;
};

// Of one request; 0: no limit.
struct RequestLimit {
  int64_t input_tokens = 0;
  int64_t output_tokens = 0;
};

// Requests that wait for their turn instead of being refused.
struct Queue {
  uint32_t max = 0;  // at a time
  uint32_t timeout_ms = 30'000;
};

// What becomes of a request whose cost cannot be known, for a client that pays for it.
enum class Unmetered : uint8_t { refuse, allow };

// Who may use the proxy, as what. Limits of 0 are none.
struct Client {
  Secret token = {};
  std::string token_sha256 = {};  // or its digest: 64 hex digits, lower case
  // Patterns with * for any run of characters; empty: all.
  std::vector<std::string> models = {};
  std::vector<std::string> models_denied = {};
  std::vector<std::string> paths = {};
  std::vector<base::Network> addresses = {};
  std::vector<std::string> origins = {};  // of the web pages it is used from
  Date expires = {};                      // the last day it is good for, UTC; 0: none
  int64_t rpm_limit = 0;                  // requests a minute
  int64_t tpm_limit = 0;                  // tokens a minute
  uint32_t max_parallel_requests = 0;
  int64_t max_budget = 0;  // nano-dollars in each budget_duration
  Period budget_duration = {.kind = Period::Kind::month};
  std::vector<WindowLimit> limits = {};  // more of them
  RequestLimit max_request = {};
  Queue queue = {};
  Unmetered unmetered = Unmetered::refuse;
};

struct Route {
  std::string path = "/";  // without a slash at its end, but for "/"
  std::string upstream;
  bool strip_prefix = false;  // forward what follows `path` only
  bool websockets = true;     // false: an Upgrade is answered 426
  bool retry_posts = false;   // a POST that may have run is sent again when its connection dies
};

struct Cors {
  bool enabled = true;
  std::vector<std::string> allow_origins = {"*"};  // "*", exact origins, or https://*.example.com
  std::optional<std::vector<std::string>> allow_headers = {};   // none: what the preflight asks for
  std::optional<std::vector<std::string>> expose_headers = {};  // none: the API's own list
  uint32_t max_age_ms = 24 * 3'600'000;
};

struct Redirects {
  bool follow = true;
  uint32_t max = 5;
};

struct Headers {
  bool strip_cdn = true;                        // what a CDN or front proxy added to the request
  std::vector<std::string> strip_request = {};  // further request fields to drop
  std::vector<std::string> strip_response = {
      "alt-svc", "strict-transport-security", "nel", "report-to"};
  bool add_forwarded = false;  // X-Forwarded-For and X-Forwarded-Proto, with the client's address
  bool add_via = false;        // Via: 1.1 openai-proxy, both ways
};

enum class WhenFull : uint8_t { wait, refuse };

struct Limits {
  uint32_t connections_max = 0;  // client connections in all; 0: derived from RLIMIT_NOFILE
  WhenFull when_full = WhenFull::wait;
  uint32_t connections_per_address_max = 1024;  // 0: no limit
  uint64_t head_bytes_max = 128 * 1024;
  uint32_t fields_max = 200;
  uint64_t url_bytes_max = 64 * 1024;
  uint64_t pipelined_bytes_max = 64 * 1024;        // read ahead of the running request
  uint32_t requests_per_connection_max = 100'000;  // 0: no limit
  uint64_t body_bytes_max = 0;                     // 0: no limit
  uint64_t replay_bytes_max = 64 * 1024;
  uint64_t inspect_bytes_max = 1024 * 1024;  // of a body that is looked into before it is sent on
};

struct Timeouts {
  uint32_t request_head_ms = 10'000;
  uint32_t request_body_silence_ms = 60'000;
  uint64_t request_body_rate_min = 100;  // bytes per second, over each silence; 0: no minimum
  uint32_t response_write_silence_ms = 5 * 60'000;  // a client that does not read
  uint64_t response_write_rate_min = 100;           // the same, while bytes wait for the client
  uint32_t keep_alive_ms = 75'000;
  uint32_t unreachable_ms = 60'000;  // its machine acknowledges nothing; 0: left to the system
  uint32_t drain_ms = 30'000;
};

enum class LogFormat : uint8_t { json, text };

struct Log {
  base::LogLevel level = base::LogLevel::info;
  std::string access = "stdout";  // "stdout", "off" or a file
  LogFormat format = LogFormat::json;
};

struct Admin {
  std::optional<Listen> listen = Listen{.host = "127.0.0.1", .port = 9901, .unix_path = {}};
};

// What outlives the process.
struct State {
  std::string file = {};  // of SQLite; empty: none
};

// Nano-dollars a million tokens.
struct ModelPrice {
  int64_t input = 0;
  std::optional<int64_t> cached = {};  // none: as input, and so the next
  std::optional<int64_t> cache_write = {};
  int64_t output = 0;
  int64_t per_request = 0;  // nano-dollars
};

struct Usage {
  bool force = false;  // streams tell their usage, also where the client did not ask
  std::map<std::string, ModelPrice> prices = {};  // by model, before the built-in ones
};

// Where the limits that a fleet of proxies shares are kept: Redis or Valkey.
struct RedisUrl {
  std::string host = {};  // a name or a literal address without brackets; "": none
  uint16_t port = 6379;
  std::string unix_path = {};  // not empty: reached by this socket
  std::string user = {};       // "": the default one
  Secret password = {};        // empty: none is asked for
  uint32_t database = 0;
  std::string source = {};  // "${NAME}" or "${file:/PATH}", where the configuration says it so

  bool operator==(const RedisUrl&) const = default;
  [[nodiscard]] bool is_none() const { return host.empty() && unix_path.empty(); }
  // For logs: "10.0.0.5:6379", "unix:/run/redis.sock".
  [[nodiscard]] std::string place() const;
};

struct Redis {
  RedisUrl url = {};
  uint32_t timeout_ms = 50;              // then requests do not wait for it
  std::string prefix = "openai-proxy:";  // of the names of all keys there

  bool operator==(const Redis&) const = default;
};

// Value; shared read-only by all workers once loaded.
struct Config {
  std::vector<Listen> listen = {Listen{}};
  uint32_t workers = 0;                       // 0: one per core
  uint64_t memory_limit = 0;                  // of the whole process; 0: none
  std::map<std::string, Upstream> upstreams;  // at least "openai" once loaded
  std::vector<Route> routes;                  // at least one once loaded
  std::map<std::string, Client> clients;      // none: whoever reaches the proxy may use it
  Client client_defaults;                     // what each of them begins as
  bool allow_anonymous = false;               // who shows no token may come in, too
  std::string me_path = "/_proxy/me";         // where a client asks about itself
  State state;
  Usage usage;
  Redis redis;                   // limits shared with other proxies
  std::string timezone = "UTC";  // whose days, weeks and months limits count by
  Cors cors;
  Redirects redirects;
  Headers headers;
  Limits limits;
  Timeouts timeouts;
  Log log;
  Admin admin;
};

}  // namespace config
