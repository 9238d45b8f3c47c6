// What a deployment takes over from the one it replaces.
#include "deploy/deployment.h"

#include <functional>
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "support/certificates.h"
#include "support/files.h"
#include "tls/context.h"

namespace {

using Deployed = std::shared_ptr<const deploy::Deployment>;

const test::TemporaryFile& roots() {
  static const test::TemporaryFile file(test::Authority("Roots").certificate_pem());
  return file;
}

config::Config config_of(const std::string& ca_file = roots().path()) {
  config::Config config;
  config::Upstream& upstream = config.upstreams["openai"];
  upstream.url = *base::parse_url("https://api.openai.test/v1");
  upstream.tls.ca_file = ca_file;
  return config;
}

Deployed deployed(config::Config config, const Deployed& former = nullptr) {
  static const bool started = !tls::init().has_value();
  REQUIRE(started);
  auto made =
      deploy::deploy(std::make_shared<const config::Config>(std::move(config)), former.get());
  REQUIRE(static_cast<bool>(made));
  return *made;
}

const tls::SessionCaches* sessions_of(const Deployed& deployment) {
  return deployment->lasting.sessions.at("openai").get();
}

bool keeps_sessions(const std::function<void(config::Upstream&)>& change) {
  const Deployed former = deployed(config_of());
  config::Config config = config_of();
  change(config.upstreams.at("openai"));
  return sessions_of(deployed(std::move(config), former)) == sessions_of(former);
}

}  // namespace

TEST_CASE("sessions are taken over where an upstream is the same and checked in the same way") {
  const test::TemporaryFile copy(test::read_file(roots().path()));
  CHECK(keeps_sessions([](config::Upstream&) {}));
  CHECK(keeps_sessions([](config::Upstream& upstream) { upstream.url.target = "/v2"; }));
  CHECK(keeps_sessions([](config::Upstream& upstream) { upstream.pool.idle_max = 1; }));
  CHECK(keeps_sessions([](config::Upstream& upstream) { upstream.timeouts.connect_ms = 1; }));
  const auto loses = [](const std::function<void(config::Upstream&)>& change) {
    return !keeps_sessions(change);
  };
  CHECK(loses([](config::Upstream& upstream) { upstream.url.origin.host = "other.test"; }));
  CHECK(loses([](config::Upstream& upstream) { upstream.url.origin.port = 8443; }));
  CHECK(loses([](config::Upstream& upstream) { upstream.host = "other.test"; }));
  CHECK(loses([](config::Upstream& upstream) { upstream.tls.verify = false; }));
  CHECK(loses([&](config::Upstream& upstream) { upstream.tls.ca_file = copy.path(); }));
  CHECK(loses(
      [](config::Upstream& upstream) { upstream.tls.min_version = config::TlsVersion::tls1_3; }));
}

TEST_CASE("a CA file's content counts, not only its name") {
  const std::string one = test::Authority("One").certificate_pem();
  const test::TemporaryFile file(one);
  const Deployed first = deployed(config_of(file.path()));
  test::write_file(file.path(), "# the same\n" + one);
  const Deployed second = deployed(config_of(file.path()), first);
  CHECK(sessions_of(second) == sessions_of(first));
  // Which chains were found good is known on.
  CHECK(second->trust.at("openai") == first->trust.at("openai"));

  test::write_file(file.path(), one + test::Authority("Two").certificate_pem());
  const Deployed third = deployed(config_of(file.path()), second);
  CHECK(sessions_of(third) != sessions_of(second));
  CHECK(third->trust.at("openai") != second->trust.at("openai"));
}

TEST_CASE("the sessions of an upstream that is no longer configured go") {
  Deployed former = deployed(config_of());
  const std::weak_ptr<tls::SessionCaches> sessions = former->lasting.sessions.at("openai");
  config::Config other = config_of();
  auto moved = other.upstreams.extract("openai");
  moved.key() = "another";
  other.upstreams.insert(std::move(moved));
  const Deployed next = deployed(other, former);
  CHECK(next->lasting.sessions.size() == 1);
  CHECK(!sessions.expired());  // the former may still be the one in use
  former.reset();
  CHECK(sessions.expired());
}
