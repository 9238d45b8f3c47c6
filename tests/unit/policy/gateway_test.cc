#include "policy/gateway.h"

#include <map>
#include <string>

#include <doctest/doctest.h>

using policy::Digest;
using policy::Gateway;

namespace {

// No digest, but as good as one where nobody looks for two texts that share it.
Digest made_up_digest(std::string_view text) {
  Digest digest{};
  for (size_t i = 0; i < text.size(); ++i)
    digest.at(i % digest.size()) = static_cast<unsigned char>(digest.at(i % 32) * 31 + text[i]);
  return digest;
}

constexpr policy::Now now{.us = 1, .s = 1'800'000'000};

std::shared_ptr<const Gateway> make(const config::Config& config, const Gateway* former = nullptr) {
  const auto gateway = Gateway::make(config, former, made_up_digest, now);
  REQUIRE(gateway);
  return *gateway;
}

config::Config two_clients() {
  config::Config config;
  config.clients["alice"].token = config::Secret("a");
  config.clients["bob"].token = config::Secret("b");
  config.clients["bob"].rpm_limit = 5;
  return config;
}

}  // namespace

TEST_CASE("a client is known by its token, and by no other") {
  const auto gateway = make(two_clients());
  REQUIRE(gateway->find("a") != nullptr);
  CHECK(gateway->find("a")->name() == "alice");
  CHECK(gateway->find("b")->name() == "bob");
  CHECK(gateway->find("c") == nullptr);
  CHECK(gateway->find("") == nullptr);
  CHECK(gateway->anonymous() == nullptr);
  // Nothing of it is kept but its digest.
  CHECK(gateway->find("a")->rules().token.empty());
}

TEST_CASE("meters go on over a reload: the same where limits are, others with what was used") {
  const auto before = make(two_clients());
  config::Config config = two_clients();
  const auto same = make(config, before.get());
  CHECK(&same->find("b")->meters() == &before->find("b")->meters());
  config.clients["bob"].rpm_limit = 6;
  const auto other = make(config, before.get());
  CHECK(&other->find("b")->meters() != &before->find("b")->meters());
}

TEST_CASE("keys are taken as their weights interleave them") {
  config::Config config;
  config.allow_anonymous = true;
  config.upstreams["u"].keys = {{.name = "a", .key = config::Secret("a"), .weight = 3},
                                {.name = "b", .key = config::Secret("b"), .weight = 1}};
  const auto gateway = make(config);
  policy::KeyRing* const ring = gateway->keys_of("u");
  REQUIRE(ring != nullptr);
  std::string order;
  for (int i = 0; i < 8; ++i) {
    policy::Meters::Taken taken;
    order += ring->choose({}, now, taken).key->name();
  }
  CHECK(order == "aabaaaba");
  CHECK(gateway->keys_of("other") == nullptr);
}

TEST_CASE("huge weights are kept in proportion") {
  config::Config config;
  config.upstreams["u"].keys = {{.name = "a", .key = config::Secret("a"), .weight = 1'000},
                                {.name = "b", .key = config::Secret("b"), .weight = 1}};
  for (int i = 0; i < 8; ++i) {
    config.upstreams["u"].keys.push_back(
        {.name = std::to_string(i), .key = config::Secret("x"), .weight = 1'000});
  }
  const auto gateway = make(config);
  std::map<std::string, int> taken_by;
  for (int i = 0; i < 9'010; ++i) {
    policy::Meters::Taken taken;
    ++taken_by[gateway->keys_of("u")->choose({}, now, taken).key->name()];
  }
  CHECK(taken_by["a"] > 950);
  CHECK(taken_by["b"] > 0);
  CHECK(taken_by["b"] < 10);
}

TEST_CASE("a key's value has its scheme in front where that is its place") {
  config::Config config;
  config.upstreams["u"].keys = {{.name = "1", .key = config::Secret("k")}};
  CHECK(make(config)->keys_of("u")->keys()[0]->value() == "Bearer k");
  CHECK(make(config)->keys_of("u")->keys()[0]->bare() == "k");
  config.upstreams["u"].key_in = {config::KeyPlace::Kind::header, "api-key"};
  CHECK(make(config)->keys_of("u")->keys()[0]->value() == "k");
  CHECK(make(config)->keys_of("u")->keys()[0]->bare() == "k");
}

TEST_CASE("prices of the configuration go before the built-in ones") {
  config::Config config;
  config.usage.prices["gpt-5-mini"] = {.input = 1'000'000, .output = 2'000'000};
  const auto gateway = make(config);
  const openai::ModelPrice* price = gateway->price_of("gpt-5-mini");
  REQUIRE(price != nullptr);
  CHECK(openai::cost_nanodollars(*price, {.input = 1'000'000}, {}) == 1'000'000);
  CHECK(gateway->price_of("no-such-model") == nullptr);
}

TEST_CASE("a time zone that is none is an error with words") {
  config::Config config = two_clients();
  config.timezone = "Nowhere/City";
  const auto gateway = Gateway::make(config, nullptr, made_up_digest, now);
  REQUIRE(!gateway);
  CHECK(gateway.error().starts_with("timezone: "));
}
