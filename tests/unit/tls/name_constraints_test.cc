// What a CA's name constraints let pass, through whole handshakes (RFC 5280 4.2.1.10).
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/oid.h>
#include <mbedtls/x509_crt.h>

#include "tls/tls_world.h"

namespace {

using namespace std::string_literals;
using test::Authority;
using test::Extension;

std::string der(unsigned char tag, const std::string& content) {
  REQUIRE(content.size() < 65536);
  std::string head(1, static_cast<char>(tag));
  if (content.size() >= 128) {
    head += static_cast<char>(0x82);
    head += static_cast<char>(content.size() >> 8);
  }
  return head + static_cast<char>(content.size() & 0xff) + content;
}

std::string subtree(const std::string& base) {
  return der(0x30, base);
}
std::string host(const std::string& name) {
  return subtree(der(0x82, name));
}
std::string network(const std::string& bytes) {
  return subtree(der(0x87, bytes));
}
std::string mail(const std::string& name) {
  return subtree(der(0x81, name));
}
std::string directory(const std::string& common_name) {
  const std::string type = der(0x06, MBEDTLS_OID_AT_CN);
  return subtree(der(0xa4, der(0x30, der(0x31, der(0x30, type + der(0x13, common_name))))));
}

Extension constraints(const std::string& permitted, const std::string& excluded = "") {
  std::string content;
  if (!permitted.empty()) content += der(0xa0, permitted);
  if (!excluded.empty()) content += der(0xa1, excluded);
  return {MBEDTLS_OID_NAME_CONSTRAINTS, der(0x30, content), true};
}

Extension policy(const std::string& last_oid_byte, const std::string& value) {
  return {MBEDTLS_OID_ID_CE + last_oid_byte, value, true};
}

// How a handshake with "localhost" ends, whose certificate has these names and an issuer with these
// extensions below the root.
struct Outcome {
  bool connected;
  uint32_t flags;
};

Outcome connect(const Authority& issuer,
                const std::vector<std::string>& names,
                const std::string& more = "",
                const std::string& client_name = "localhost") {
  tls_test::World world(1);
  test::Credentials leaf = issuer.issue({.names = names});
  leaf.certificate_pem += issuer.certificate_pem() + more;
  const auto server = tls_test::server_of(leaf);
  tls::ClientContext client(tls_test::client_of(client_name), tls_test::fixture().roots);
  tls_test::Link link(world.network, client, *server);
  link.read_both();
  world.loop.end_turn();
  const uint32_t flags =
      link.client.error ? static_cast<uint32_t>(link.client.error->raw) : uint32_t{0};
  return {link.client.connected == 1, flags};
}

struct Case {
  const char* what;
  Extension extension;
  std::vector<std::string> names;
  bool passes;
};

void check(const std::vector<Case>& cases) {
  for (const Case& one : cases) {
    CAPTURE(one.what);
    const Authority below(tls_test::fixture().authority, "Below", {one.extension});
    const Outcome outcome = connect(below, one.names);
    CHECK(outcome.connected == one.passes);
    CHECK(outcome.flags == (one.passes ? 0 : MBEDTLS_X509_BADCERT_OTHER));
  }
}

TEST_CASE("name constraints: names of hosts") {
  check({
      {"itself", constraints(host("localhost")), {"localhost"}, true},
      {"a subdomain", constraints(host("localhost")), {"localhost", "a.b.localhost"}, true},
      {"case", constraints(host("LocalHost")), {"LOCALHOST"}, true},
      {"no label's end", constraints(host("localhost")), {"localhost", "alocalhost"}, false},
      {"another", constraints(host("example.com")), {"localhost"}, false},
      {"one of two", constraints(host("example.com") + host("localhost")), {"localhost"}, true},
      {"each name counts", constraints(host("localhost")), {"localhost", "x.test"}, false},
      {"everything", constraints(host("")), {"localhost"}, true},
      {"dot", constraints(host(".test") + host("localhost")), {"localhost", "a.test"}, true},
      {"dot alone", constraints(host(".test") + host("localhost")), {"localhost", "test"}, false},
      {"excluded", constraints("", host("localhost")), {"localhost"}, false},
      {"excluded above", constraints("", host("test")), {"localhost", "a.test"}, false},
      {"excluded other", constraints("", host("test")), {"localhost"}, true},
      {"both",
       constraints(host("test") + host("localhost"), host("a.test")),
       {"localhost", "b.a.test"},
       false},
      {"a wildcard", constraints(host("test") + host("localhost")), {"localhost", "*.test"}, true},
      {"a wildcard over one excluded",
       constraints("", host("a.test")),
       {"localhost", "*.test"},
       false},
      {"a wildcard beside it", constraints("", host("x.a.test")), {"localhost", "*.test"}, true},
      {"everything excluded", constraints("", host("")), {"localhost"}, false},
      {"another kind of name", constraints(network("\x0a\0\0\0\xff\0\0\0"s)), {"localhost"}, true},
  });
}

TEST_CASE("name constraints: addresses, directory names, kinds we do not check") {
  check({
      {"within", constraints(network("\x7f\0\0\0\xff\0\0\0"s)), {"localhost", "127.9.8.7"}, true},
      {"outside",
       constraints(network("\x7f\0\0\0\xff\xff\xff\0"s)),
       {"localhost", "127.9.8.7"},
       false},
      {"excluded",
       constraints("", network("\x7f\0\0\0\xff\0\0\0"s)),
       {"localhost", "127.0.0.1"},
       false},
      {"v6 where v4 is",
       constraints(network("\x7f\0\0\0\xff\0\0\0"s)),
       {"localhost", "::1"},
       false},
      {"all of v4 excluded, v6 not",
       constraints("", network(std::string(8, '\0'))),
       {"localhost", "::1"},
       true},
      // A leaf's subject is the CN of its first name.
      {"directory", constraints(directory("LOCALHOST ")), {"localhost"}, true},
      {"another directory", constraints(directory("somebody")), {"localhost"}, false},
      {"directory excluded", constraints("", directory("localhost")), {"localhost"}, false},
      {"mail, none there", constraints(mail("test")), {"localhost"}, true},
  });
}

TEST_CASE("name constraints: what cannot be read is refused") {
  const auto broken = [](const std::string& value) {
    return Extension{MBEDTLS_OID_NAME_CONSTRAINTS, value, true};
  };
  check({
      {"empty", broken(""), {"localhost"}, false},
      {"no subtree", broken(der(0x30, der(0xa0, ""))), {"localhost"}, false},
      {"cut", broken(der(0x30, der(0xa0, host("localhost"))).substr(0, 10)), {"localhost"}, false},
      {"a minimum",
       broken(der(0x30, der(0xa0, der(0x30, der(0x82, "localhost") + "\x80\x01\x02")))),
       {"localhost"},
       false},
      {"more behind",
       broken(der(0x30, der(0xa0, host("localhost")) + der(0xa5, "x"))),
       {"localhost"},
       false},
      {"mask too short",
       constraints(network("\x7f\0\0\0\xff"s)),
       {"localhost", "127.0.0.1"},
       false},
  });
}

TEST_CASE("name constraints of every CA above count, not those of the leaf's side branches") {
  const Authority above(
      tls_test::fixture().authority, "Above", {constraints(host("localhost") + host("test"))});
  const Authority wide(above, "Wide", {constraints(host("test") + host("localhost"))});
  const Authority narrow(above, "Narrow", {constraints(host("test"))});
  const Authority wider(above, "Wider", {constraints(host("example.com") + host("localhost"))});
  CHECK(connect(wide, {"localhost"}, above.certificate_pem()).connected);
  CHECK(!connect(narrow, {"localhost"}, above.certificate_pem()).connected);
  CHECK(!connect(wider, {"localhost", "example.com"}, above.certificate_pem()).connected);
}

TEST_CASE("name constraints: a common name is a name where there is no other") {
  const Authority below(tls_test::fixture().authority, "Below", {constraints(host("test"))});
  // Without alternative names mbedTLS goes by the subject.
  CHECK(!connect(below, {}, "", "nameless").connected);
}

TEST_CASE("critical extensions on policies do not matter to who asks for no policy") {
  const std::string policies =
      der(0x30, der(0x30, der(0x06, "\x2a\x03\x04")));  // 1.2.3.4, required by nobody
  const std::string mapping =
      der(0x30, der(0x30, der(0x06, "\x2a\x03\x04") + der(0x06, "\x2a\x03\x05")));
  check({
      {"policies", policy("\x20", policies), {"localhost"}, true},
      {"mappings", policy("\x21", mapping), {"localhost"}, true},
      {"constraints", policy("\x24", der(0x30, der(0x80, "\x03"))), {"localhost"}, true},
      {"inhibit anyPolicy", policy("\x36", der(0x02, std::string(1, '\0'))), {"localhost"}, true},
  });
  // What nobody here knows stays critical: such a certificate is not read at all.
  const Authority below(tls_test::fixture().authority, "Below", {policy("\x7f", der(0x05, ""))});
  tls_test::World world(1);
  test::Credentials leaf = below.issue({});
  mbedtls_x509_crt parsed;
  mbedtls_x509_crt_init(&parsed);
  CHECK(mbedtls_x509_crt_parse(
            &parsed,
            reinterpret_cast<const unsigned char*>(below.certificate_pem().c_str()),
            below.certificate_pem().size() + 1) != 0);
  mbedtls_x509_crt_free(&parsed);
}

}  // namespace
