// Listeners that speak TLS: whose certificate, who gets in, certificates that change, and those who
// speak something else. That all else works over TLS too, the other files' transports prove.
#include <ctime>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "support/proxy_fixture.h"
#include "support/tls_client.h"

using test::Credentials;
using test::Message;
using test::Proxy;
using test::RawClient;
using test::RawUpstream;
using test::TlsClient;

namespace {

const std::string ok = test::message("200 OK", {}, "ok");

Credentials leaf(const std::string& name, test::KeyKind key = test::KeyKind::ecdsa_p256) {
  test::LeafOptions options;
  options.names = {name};
  options.key = key;
  return test::trusted_authority().issue(options);
}

// One listener's certificate in files of its own.
class Files {
 public:
  explicit Files(const Credentials& credentials) { replace(credentials); }

  void replace(const Credentials& credentials) const {
    test::write_file(certificate(), credentials.certificate_pem);
    test::write_file(key(), credentials.key_pem);
  }
  [[nodiscard]] std::string certificate() const { return folder_ / "fullchain.pem"; }
  [[nodiscard]] std::string key() const { return folder_ / "privkey.pem"; }
  // As YAML, with `more` of the section's keys.
  [[nodiscard]] std::string section(const std::string& more = "") const {
    return "{ certificate: '" + certificate() + "', key: '" + key() + "'" + more + " }";
  }
  [[nodiscard]] std::string listen(const std::string& more = "") const {
    return "listen: [{ address: '127.0.0.1:0', tls: " + section(more) + " }]\n";
  }

 private:
  test::TemporaryFolder folder_;
};

const std::string& authority() {
  return test::trusted_authority().certificate_pem();
}

// The response to a request by a client that demands `name` of the certificate.
Message ask(const Proxy& proxy, const std::string& name) {
  TlsClient client(authority(), name);
  return RawClient(client.connect(proxy.port())).round_trip(test::get("/"));
}

// Whether `name` is in the certificate that new connections are shown.
bool is_shown(const Proxy& proxy, const std::string& name) {
  try {
    return ask(proxy, name).body == "ok";
  } catch (const test::Reset&) {
    return false;
  }
}

RawClient plain_client(const Proxy& proxy) {
  return RawClient(test::plain_wire(test::connect_tcp("127.0.0.1", proxy.port())));
}

std::string metrics(Proxy& proxy) {
  const auto address = proxy.server().admin_listening();
  REQUIRE(address.has_value());
  RawClient client(test::plain_wire(test::connect_tcp("127.0.0.1", address->port)));
  return client.round_trip(test::get("/metrics")).body;
}

std::string refusal_to_start(const RawUpstream& upstream, const std::string& yaml) {
  try {
    const Proxy proxy(upstream, yaml);
  } catch (const test::Failure& failure) {
    return failure.what();
  }
  return "";
}

}  // namespace

TEST_CASE("several certificates: exact names, wildcards, and the first for all others") {
  RawUpstream upstream(test::serve(ok));
  const Files first(leaf("localhost"));
  const Files exact(leaf("deep.wild.example"));
  const Files wildcard(leaf("*.wild.example", test::KeyKind::rsa_2048));
  const Proxy proxy(
      upstream,
      first.listen(", certificates: [" + exact.section() + ", " + wildcard.section() + "]"));
  for (const char* name : {"localhost", "deep.wild.example", "any.wild.example"}) {
    CAPTURE(name);
    CHECK(ask(proxy, name).body == "ok");
  }
  CHECK(!is_shown(proxy, "unknown.example"));
}

TEST_CASE("who speaks http is told to speak https, in words") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  Proxy proxy(upstream, files.listen() + "admin: { listen: '127.0.0.1:0' }\n");
  for (const std::string& request :
       {test::get("/v1/models"), test::post("/v1/chat/completions", test::pattern(100'000))}) {
    RawClient client = plain_client(proxy);
    client.send(request);
    const Message response = client.read_response();
    CHECK(response.status() == 400);
    CHECK(response.value("connection") == "close");
    CHECK(test::api_error(response).code == "https_needed");
    CHECK(test::api_error(response).message.find("https://") != std::string::npos);
    client.wait_gone();
  }
  CHECK(metrics(proxy).find("connections_refused_total{reason=\"no_tls\"} 2") != std::string::npos);
  CHECK(upstream.requests() == 0);
  CHECK(ask(proxy, "localhost").body == "ok");
}

TEST_CASE("what is neither TLS nor http is cut, and so is who says nothing") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  Proxy proxy(
      upstream,
      files.listen() + "timeouts: { request_head: 300ms }\nadmin: { listen: '127.0.0.1:0' }\n");
  const std::string half_hello = "\x16\x03\x01";
  for (const std::string& bytes :
       {std::string(), std::string("\0\0\0", 3), std::string("\x16zzzzzzzzzzz"), half_hello}) {
    RawClient client = plain_client(proxy);
    if (!bytes.empty()) client.send(bytes);
    client.wait_gone();
  }
  plain_client(proxy).close();
  // An honest handshake has all the time it needs.
  proxy.reload(upstream.url(), files.listen() + "admin: { listen: '127.0.0.1:0' }\n");
  CHECK(ask(proxy, "localhost").body == "ok");
  const std::string text = metrics(proxy);
  CHECK(text.find("client_handshakes_total{result=\"full\"} 1\n") != std::string::npos);
  CHECK(text.find("client_handshakes_total{result=\"failed\"} 3\n") != std::string::npos);
  test::eventually("nobody is left but who asks", [&] {
    return metrics(proxy).find("openai_proxy_client_connections 1\n") != std::string::npos;
  });
}

TEST_CASE("sessions resume, whichever worker the client meets") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  Proxy proxy(upstream, files.listen() + "workers: 3\nadmin: { listen: '127.0.0.1:0' }\n");
  TlsClient client(authority());
  for (int i = 0; i < 20; ++i)
    CHECK(RawClient(client.connect(proxy.port())).round_trip(test::get("/")).body == "ok");
  CHECK(client.handshakes().full == 1);
  CHECK(client.handshakes().resumed == 19);
  CHECK(metrics(proxy).find("client_handshakes_total{result=\"resumed\"} 19\n") !=
        std::string::npos);
}

TEST_CASE("renewed certificates are taken without dropping anybody") {
  test::Signal go_on;
  RawUpstream upstream([&](test::UpstreamConnection& connection) {
    while (const auto request = connection.read_request()) {
      if (request->target() == "/") {
        connection.send(ok);
        continue;
      }
      connection.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      test::chunk("begin"));
      go_on.wait();
      connection.send(test::chunk("-end") + std::string(test::last_chunk));
    }
  });
  const Files files(leaf("old.example"));
  Proxy proxy(upstream, files.listen() + "workers: 2\n");
  TlsClient old_client(authority(), "old.example");
  RawClient streaming(old_client.connect(proxy.port()));
  streaming.send(test::get("/stream"));
  Message response = streaming.read_response_head();
  CHECK(streaming.read_body_until(response, "begin") == "begin");
  TlsClient second_client(authority(), "old.example");
  RawClient idle(second_client.connect(proxy.port()));
  CHECK(idle.round_trip(test::get("/")).body == "ok");

  proxy.server().renew_certificates();  // nothing has changed
  CHECK(is_shown(proxy, "old.example"));
  files.replace(leaf("new.example", test::KeyKind::rsa_2048));
  proxy.server().renew_certificates();
  // Every worker, and there is no telling which one a connection meets.
  for (int in_a_row = 0; in_a_row < 20;)
    in_a_row = is_shown(proxy, "new.example") ? in_a_row + 1 : 0;
  CHECK(!is_shown(proxy, "old.example"));

  CHECK(idle.round_trip(test::get("/")).body == "ok");
  go_on.set();
  streaming.read_rest(response);
  CHECK(response.body == "-end");
  CHECK(streaming.round_trip(test::get("/")).body == "ok");
}

TEST_CASE("a certificate that is half written changes nothing until it is whole") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("old.example"));
  Proxy proxy(upstream, files.listen());
  const Credentials renewed = leaf("new.example");
  const std::string& whole = renewed.certificate_pem;
  for (const std::string& certificate : {whole, whole.substr(0, whole.size() / 2), std::string()}) {
    test::write_file(files.certificate(), certificate);  // the key is still the old one
    proxy.server().renew_certificates();
    CHECK(is_shown(proxy, "old.example"));
  }
  CHECK_THROWS_AS(proxy.reload(upstream.url(), files.listen()), test::Failure);
  CHECK(is_shown(proxy, "old.example"));
  files.replace(renewed);
  proxy.server().renew_certificates();
  test::eventually("the new one", [&] { return is_shown(proxy, "new.example"); });
}

TEST_CASE("a reload reads the files again, and takes what else `tls` says") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("old.example"));
  const Files others(leaf("other.example"));
  Proxy proxy(upstream, files.listen());
  files.replace(leaf("new.example"));
  proxy.reload(upstream.url(), files.listen());
  test::eventually("the new one", [&] { return is_shown(proxy, "new.example"); });
  proxy.reload(upstream.url(), others.listen(", min_version: \"1.3\""));
  test::eventually("other files", [&] { return is_shown(proxy, "other.example"); });
  // A listener cannot become a plain one: it stays as it is.
  proxy.reload(upstream.url(), "listen: ['127.0.0.1:0']");
  CHECK(is_shown(proxy, "other.example"));
}

TEST_CASE("behind a front with the PROXY protocol: first its header, then the handshake") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  const Proxy proxy(upstream,
                    "listen: [{ address: '127.0.0.1:0', proxy_protocol: { from: [127.0.0.1] }, "
                    "tls: " +
                        files.section() + " }]\nheaders: { add_forwarded: true }\n");
  const auto socket = test::connect_tcp("127.0.0.1", proxy.port());
  const std::string header = "PROXY TCP4 192.0.2.7 198.51.100.2 56324 443\r\n";
  REQUIRE(socket->try_write(header) == static_cast<ssize_t>(header.size()));
  TlsClient client(authority());
  RawClient fronted(client.shake_hands(*socket));
  CHECK(fronted.round_trip(test::get("/")).body == "ok");
  const Message request = upstream.next_request();
  CHECK(request.value("x-forwarded-for") == "192.0.2.7");
  CHECK(request.value("x-forwarded-proto") == "https");
}

TEST_CASE("half-open handshakes count: one address has so many, others get in") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  Proxy proxy(upstream,
              "listen: [{ address: '127.0.0.1:0', proxy_protocol: { from: [127.0.0.1] }, tls: " +
                  files.section() +
                  " }]\nlimits: { connections_per_address_max: 4 }\n"
                  "admin: { listen: '127.0.0.1:0' }\n");
  const auto connect = [&](const std::string& address, const std::string& bytes) {
    RawClient client = plain_client(proxy);
    client.send("PROXY TCP4 " + address + " 198.51.100.2 56324 443\r\n" + bytes);
    return client;
  };
  std::vector<RawClient> flood;
  for (int i = 0; i < 4; ++i)
    flood.push_back(connect("192.0.2.7", i % 2 == 0 ? "" : "\x16\x03\x01"));
  // The fifth, whichever worker counts first, goes without a word that is no TLS.
  test::eventually("the limit holds", [&] {
    RawClient more = connect("192.0.2.7", "\x16\x03\x01");
    return !more.silent_for(std::chrono::milliseconds(20)) && more.read_to_end().empty();
  });
  const auto socket = test::connect_tcp("127.0.0.1", proxy.port());
  const std::string header = "PROXY TCP4 192.0.2.8 198.51.100.2 56324 443\r\n";
  REQUIRE(socket->try_write(header) == static_cast<ssize_t>(header.size()));
  TlsClient client(authority());
  CHECK(RawClient(client.shake_hands(*socket)).round_trip(test::get("/")).body == "ok");
  CHECK(metrics(proxy).find("connections_refused_total{reason=\"per_address\"}") !=
        std::string::npos);
}

TEST_CASE("draining does not wait for those who say nothing") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  Proxy proxy(upstream, files.listen());
  RawClient silent = plain_client(proxy);
  RawClient half = plain_client(proxy);
  half.send("\x16\x03\x01");
  CHECK(ask(proxy, "localhost").body == "ok");
  proxy.server().drain();
  proxy.server().wait();  // the silent ones have request_head, 10 s, otherwise
  silent.wait_gone();
  half.wait_gone();
}

TEST_CASE("when a certificate ends is a figure in /metrics, also when it was renewed") {
  const RawUpstream upstream(test::serve(ok));
  const Files files(leaf("one.test"));
  Proxy proxy(upstream, files.listen() + "admin: { listen: '127.0.0.1:0' }\n");
  const auto line = [&](const std::string& name) {
    const std::string text = metrics(proxy);
    const size_t begin = text.find(
        "openai_proxy_certificate_not_after_seconds{listener=\"127.0.0.1:0\",name=\"" + name);
    if (begin == std::string::npos) return std::string();
    return text.substr(begin, text.find('\n', begin) - begin);
  };
  const std::string first = line("one.test");
  REQUIRE(!first.empty());
  const int64_t end_s = std::stoll(first.substr(first.rfind(' ') + 1));
  const int64_t now_s = std::time(nullptr);
  CHECK(end_s > now_s + int64_t{29} * 24 * 60 * 60);
  CHECK(end_s < now_s + int64_t{31} * 24 * 60 * 60);
  files.replace(leaf("two.test"));
  proxy.server().renew_certificates();
  CHECK(line("one.test").empty());
  CHECK(!line("two.test").empty());
}

TEST_CASE("what cannot be is refused at the start, with the file and the reason") {
  RawUpstream upstream(test::serve(ok));
  const Files files(leaf("localhost"));
  const Files others(leaf("other.example"));
  const auto listen = [](const std::string& certificate, const std::string& key) {
    return "listen: [{ address: '127.0.0.1:0', tls: { certificate: '" + certificate + "', key: '" +
           key + "' } }]\n";
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const std::string missing = refusal_to_start(upstream, listen("/no/such.pem", files.key()));
  has(missing, "listen[0].tls");
  has(missing, "cannot read /no/such.pem");
  const std::string mismatch =
      refusal_to_start(upstream, listen(files.certificate(), others.key()));
  has(mismatch, "does not belong to the certificate");
  has(mismatch, files.certificate());
  CHECK(mismatch.find("BEGIN") == std::string::npos);
  has(refusal_to_start(upstream, listen(files.key(), files.key())), "holds a private key");
  has(refusal_to_start(upstream, files.listen(", client_ca: /no/such.pem")), "/no/such.pem");
}
