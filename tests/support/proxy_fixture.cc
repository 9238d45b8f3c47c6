// Starts and stops the proxy of a test.
#include "support/proxy_fixture.h"

#include <cstdlib>
#include <fmt/format.h>
#include <utility>

#include "config/load.h"
#include "support/tls_client.h"

namespace test {
namespace {

// What test_config()'s listeners speak; see ClientTransport.
Transport client_transport = Transport::plain;

// Whether `yaml` has that key at its top level.
bool has_key(std::string_view yaml, std::string_view key) {
  return ("\n" + std::string(yaml)).find(fmt::format("\n{}:", key)) != std::string::npos;
}

// Reads one flat JSON object of strings and nulls; just what an error of the API is.
class FlatJson {
 public:
  explicit FlatJson(std::string_view text) : text_(text) {}

  void expect(char c) {
    skip_space();
    if (text_.empty() || text_[0] != c) throw Failure(fmt::format("no '{}' at '{}'", c, text_));
    text_.remove_prefix(1);
  }
  [[nodiscard]] bool next_is(char c) {
    skip_space();
    return !text_.empty() && text_[0] == c;
  }
  [[nodiscard]] std::string string() {
    expect('"');
    std::string value;
    while (!text_.empty() && text_[0] != '"') {
      if (static_cast<unsigned char>(text_[0]) < 0x20) throw Failure("control byte in JSON");
      if (text_[0] == '\\') text_.remove_prefix(1);  // the escapes that stand for themselves
      value += text_.at(0);
      text_.remove_prefix(1);
    }
    expect('"');
    return value;
  }
  [[nodiscard]] std::string string_or_null() {
    if (next_is('"')) return string();
    skip_space();
    if (!text_.starts_with("null")) throw Failure(fmt::format("no value at '{}'", text_));
    text_.remove_prefix(4);
    return "null";
  }
  void expect_end() {
    skip_space();
    if (!text_.empty()) throw Failure(fmt::format("after the JSON: '{}'", text_));
  }

 private:
  void skip_space() {
    const size_t begin = text_.find_first_not_of(" \r\n\t");
    text_.remove_prefix(begin == std::string_view::npos ? text_.size() : begin);
  }
  std::string_view text_;
};

}  // namespace

ClientTransport::ClientTransport(Transport transport) {
  client_transport = transport;
}

ClientTransport::~ClientTransport() {
  client_transport = Transport::plain;
}

config::ListenTls trusted_listener() {
  static const Credentials leaf = trusted_authority().issue();
  static const TemporaryFile certificate(leaf.certificate_pem);
  static const TemporaryFile key(leaf.key_pem);
  config::ListenTls listener;
  listener.certificate = certificate.path();
  listener.key = key.path();
  return listener;
}

const Authority& trusted_authority() {
  static const Authority authority;
  return authority;
}

const std::string& trusted_file() {
  static const TemporaryFile file(trusted_authority().certificate_pem());
  return file.path();
}

RawUpstream::Options tls_options(const Credentials& credentials) {
  RawUpstream::Options options;
  options.tls = TlsServerOptions{.certificate_pem = credentials.certificate_pem,
                                 .key_pem = credentials.key_pem};
  return options;
}

RawUpstream::Options upstream_options(Transport transport) {
  if (transport == Transport::plain) return {};
  static const Credentials credentials = trusted_authority().issue();
  return tls_options(credentials);
}

config::Config test_config(std::string_view upstream_url, std::string_view yaml) {
  auto loaded = config::load_text(yaml, "test.yaml");
  if (!loaded) throw Failure(loaded.error().text());
  config::Config config = std::move(*loaded);
  if (!has_key(yaml, "listen")) {
    config.listen = {config::Listen{.host = "127.0.0.1", .port = 0, .unix_path = {}}};
    if (client_transport == Transport::tls) config.listen.front().tls = trusted_listener();
  }
  if (!has_key(yaml, "workers")) config.workers = 1;
  if (!has_key(yaml, "admin")) config.admin.listen.reset();
  if (!has_key(yaml, "log")) {
    config.log.access = "off";
    config.log.level = base::LogLevel::error;
  }
  config::Upstream& upstream = config.upstreams.at("openai");
  const auto url = base::parse_url(upstream_url);
  if (!url) throw Failure(fmt::format("not a URL: {}", upstream_url));
  upstream.url = *url;
  for (auto& [name, any] : config.upstreams) {
    if (any.tls.ca_file.empty()) any.tls.ca_file = trusted_file();
  }
  return config;
}

Proxy::Proxy(std::string_view upstream_url, std::string_view yaml)
    : Proxy(test_config(upstream_url, yaml)) {}

Proxy::Proxy(config::Config config) : is_tls_(config.listen.front().tls.has_value()) {
  server_ =
      std::make_unique<server::Server>(std::make_shared<const config::Config>(std::move(config)));
  const auto started = server_->start();
  if (!started) throw Failure("the proxy does not start: " + started.error());
}

Proxy::~Proxy() {
  server_->stop();
  server_->wait();
}

void Proxy::reload(std::string_view upstream_url, std::string_view yaml) {
  const auto reloaded =
      server_->reload(std::make_shared<const config::Config>(test_config(upstream_url, yaml)));
  if (!reloaded) throw Failure("reload: " + reloaded.error());
}

RawClient Proxy::client(const ConnectOptions& options) const {
  if (is_tls_) {
    return RawClient(tls_wire_of_its_own(trusted_authority().certificate_pem(), port(), options));
  }
  return RawClient(plain_wire(connect_tcp("127.0.0.1", port(), options)));
}

Message Proxy::round_trip(std::string_view request) const {
  return client().round_trip(request);
}

std::string get(std::string_view target, const Fields& fields) {
  Fields all = {{"Host", "proxy.test"}};
  all.insert(all.end(), fields.begin(), fields.end());
  return message(fmt::format("GET {} HTTP/1.1", target), all);
}

std::string post(std::string_view target, std::string_view body, const Fields& fields) {
  Fields all = {{"Host", "proxy.test"}};
  all.insert(all.end(), fields.begin(), fields.end());
  if (body.empty()) all.emplace_back("Content-Length", "0");
  return message(fmt::format("POST {} HTTP/1.1", target), all, body);
}

ApiError api_error(const Message& response) {
  if (response.value("content-type") != "application/json") throw Failure("not JSON");
  FlatJson json(response.body);
  std::vector<std::pair<std::string, std::string>> members;
  json.expect('{');
  if (json.string() != "error") throw Failure("no error member");
  json.expect(':');
  json.expect('{');
  for (;;) {
    std::string name = json.string();
    json.expect(':');
    members.emplace_back(std::move(name), json.string_or_null());
    if (json.next_is('}')) break;
    json.expect(',');
  }
  json.expect('}');
  json.expect('}');
  json.expect_end();
  if (members.size() != 4 || members[0].first != "message" || members[1].first != "type" ||
      members[2].first != "param" || members[3].first != "code") {
    throw Failure("not an API error: " + response.body);
  }
  return {members[0].second, members[1].second, members[3].second};
}

}  // namespace test
