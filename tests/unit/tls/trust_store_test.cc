// Reading root certificates, and what is said when it does not work.
#include <string>

#include <doctest/doctest.h>

#include "support/files.h"
#include "tls/tls_world.h"

namespace {

TEST_CASE("a bundle: every certificate counts, text around them does not") {
  const test::Authority one("One");
  const test::Authority two("Two");
  const test::TemporaryFile file("# a comment\n" + one.certificate_pem() + "\ntext between\n" +
                                 two.certificate_pem());
  const auto store = tls::TrustStore::from_file(file.path());
  REQUIRE(static_cast<bool>(store));
  REQUIRE((*store)->size() == 2);
}

TEST_CASE("a broken certificate among good ones is skipped") {
  const test::Authority one("One");
  std::string broken = one.certificate_pem();
  broken.replace(broken.find('\n') + 1, 4, "AAAA");
  const auto store = tls::TrustStore::from_pem(broken + one.certificate_pem(), "the test");
  REQUIRE(static_cast<bool>(store));
  REQUIRE((*store)->size() == 1);
}

TEST_CASE("a fingerprint tells the certificates, not the text around them") {
  const std::string one = test::Authority("One").certificate_pem();
  const std::string two = test::Authority("Two").certificate_pem();
  const auto fingerprint = [](const std::string& pem) {
    const auto store = tls::TrustStore::from_pem(pem, "the test");
    REQUIRE(static_cast<bool>(store));
    return (*store)->fingerprint();
  };
  REQUIRE(fingerprint("# a comment\n" + one) == fingerprint(one));
  REQUIRE(fingerprint(one) != fingerprint(two));
  REQUIRE(fingerprint(one + two) != fingerprint(one));
  REQUIRE(fingerprint(one + two) != fingerprint(two));
}

TEST_CASE("nothing to trust is an error with the place and a reason") {
  const auto missing = tls::TrustStore::from_file("/nonexistent/roots.pem");
  REQUIRE(!missing);
  REQUIRE(missing.error() == "cannot read /nonexistent/roots.pem: there is no such file");
  const test::TemporaryFile file("no certificate at all");
  const auto empty = tls::TrustStore::from_file(file.path());
  REQUIRE(!empty);
  REQUIRE(empty.error().find(file.path()) != std::string::npos);
  REQUIRE(empty.error().find("BEGIN CERTIFICATE") != std::string::npos);
  REQUIRE(!tls::TrustStore::from_file("/"));
}

TEST_CASE("the system's roots, where the machine has them") {
  const auto store = tls::TrustStore::system();
  if (store) {
    REQUIRE((*store)->size() > 20);
  } else {
    REQUIRE(store.error().find("ca-certificates") != std::string::npos);
  }
}

}  // namespace
