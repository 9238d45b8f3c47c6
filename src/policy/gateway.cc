#include "policy/gateway.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/ascii.h"
#include "policy/glob.h"

namespace policy {

using openai::ApiError;

namespace {

constexpr int64_t day_s = 24 * 3600;
// Turns of a ring: weights beyond are rounded.
constexpr uint32_t turns_max = 4096;

constexpr ApiError token_expired = {
    401,
    "invalid_request_error",
    "invalid_api_key",
    "This token has expired; ask whoever runs this proxy for a new one.",
    openai::RetryAdvice::never};

constexpr ApiError forbidden(std::string_view message) {
  return {403, "invalid_request_error", "permission_denied", message, openai::RetryAdvice::never};
}
constexpr ApiError wrong_address = forbidden("This token may not be used from this address.");
constexpr ApiError wrong_origin = forbidden("This token may not be used from this web page.");
constexpr ApiError wrong_path = forbidden("This token may not be used for this path.");
constexpr ApiError wrong_model = forbidden("This token may not be used for this model.");
constexpr ApiError unknown_model = forbidden(
    "This token may be used for some models only, and the proxy cannot see which one this request "
    "is for: its body is too large, is no JSON or form with a `model`, or is not whole.");

bool is_origin_of(std::string_view pattern, std::string_view origin) {
  return pattern == "*" || matches(pattern, origin);
}

// Each is taken as often as its weight says, and spread as evenly as that goes: whoever is furthest
// behind its share is next.
std::vector<uint16_t> turns_of(const std::vector<uint32_t>& weights) {
  uint64_t sum = 0;
  for (const uint32_t weight : weights)
    sum += weight;
  std::vector<uint64_t> shares;
  uint64_t turns = 0;
  for (const uint32_t weight : weights) {
    shares.push_back(sum <= turns_max ? weight : std::max<uint64_t>(1, weight * turns_max / sum));
    turns += shares.back();
  }
  std::vector<int64_t> behind(weights.size(), 0);
  std::vector<uint16_t> order;
  for (uint64_t turn = 0; turn < turns; ++turn) {
    for (size_t i = 0; i < behind.size(); ++i)
      behind[i] += static_cast<int64_t>(shares[i]);
    const auto next = std::max_element(behind.begin(), behind.end());
    *next -= static_cast<int64_t>(turns);
    order.push_back(static_cast<uint16_t>(next - behind.begin()));
  }
  return order;
}

Digest parse_digest(std::string_view hex) {
  Digest digest{};
  for (size_t i = 0; i < digest.size(); ++i) {
    const int value = 16 * base::hex_value(hex[2 * i]) + base::hex_value(hex[2 * i + 1]);
    digest.at(i) = static_cast<unsigned char>(value);
  }
  return digest;
}

}  // namespace

// Clients.

Client::Client(std::string name, const config::Client& rules, std::shared_ptr<Meters> meters)
    : name_(std::move(name)), rules_(rules), meters_(std::move(meters)) {
  rules_.token = {};
}

std::optional<ApiError> Client::check(const Entry& entry) const {
  if (rules_.expires.days != 0 && entry.now_s >= (rules_.expires.days + 1) * day_s) {
    return token_expired;
  }
  if (!rules_.addresses.empty()) {
    // The nameless peer of a unix socket is no literal.
    const base::IpBytes address = base::parse_ip(entry.address).value_or(base::IpBytes{});
    const bool is_listed =
        std::any_of(rules_.addresses.begin(), rules_.addresses.end(), [&](const auto& network) {
          return network.contains(address);
        });
    if (!is_listed) return wrong_address;
  }
  if (!rules_.origins.empty()) {
    const bool is_listed =
        std::any_of(rules_.origins.begin(), rules_.origins.end(), [&](const std::string& pattern) {
          return !entry.origin.empty() && is_origin_of(pattern, entry.origin);
        });
    if (!is_listed) return wrong_origin;
  }
  if (!rules_.paths.empty() && !matches_any(rules_.paths, entry.path)) return wrong_path;
  return std::nullopt;
}

std::optional<ApiError> Client::check_model(const std::optional<std::string_view>& model) const {
  if (!chooses_models()) return std::nullopt;
  if (!model) return unknown_model;
  if (!rules_.models.empty() && !matches_any(rules_.models, *model)) return wrong_model;
  if (matches_any(rules_.models_denied, *model)) return wrong_model;
  return std::nullopt;
}

// Keys.

Key::Key(const config::UpstreamKey& key,
         const config::KeyPlace& place,
         std::shared_ptr<Meters> meters)
    : name_(key.name),
      place_(place),
      organization_(key.organization),
      project_(key.project),
      meters_(std::move(meters)) {
  constexpr std::string_view bearer = "Bearer ";
  std::string value;
  value.reserve(bearer.size() + key.key.reveal().size());
  if (place.kind == config::KeyPlace::Kind::authorization) {
    bare_begins_ = bearer.size();
    value = bearer;
  }
  value += key.key.reveal();
  value_ = config::Secret(value);
  explicit_bzero(value.data(), value.size());
}

KeyRing::KeyRing(std::vector<std::unique_ptr<Key>> keys, const std::vector<uint32_t>& weights)
    : keys_(std::move(keys)), turns_(turns_of(weights)) {}

KeyRing::Choice KeyRing::choose(const Cost& cost, const Now& now, Meters::Taken& taken) {
  const uint32_t turn = turn_.fetch_add(1, std::memory_order_relaxed);
  const size_t first = turns_[turn % turns_.size()];
  Choice choice;
  for (size_t i = 0; i < keys_.size(); ++i) {
    const Key& key = *keys_[(first + i) % keys_.size()];
    const std::optional<LimitMet> met = key.meters().take(cost, now, taken);
    if (!met) return {.key = &key};
    if (!choice.met || met->retry_after_us < choice.met->retry_after_us) choice.met = met;
  }
  return choice;
}

// All of it.

size_t Gateway::DigestHash::operator()(const Digest& digest) const {
  size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

base::Result<std::shared_ptr<const Gateway>, std::string> Gateway::make(
    const config::Config& config, const Gateway* former, DigestOf digest_of, const Now& now) {
  auto zone = base::TimeZone::load(config.timezone);
  if (!zone) return "timezone: " + zone.error();
  const std::shared_ptr<Gateway> gateway(
      new Gateway(digest_of, std::make_shared<const base::TimeZone>(*std::move(zone))));
  gateway->add_clients(config, former, now);
  gateway->add_keys(config, former, now);
  gateway->add_prices(config);
  gateway->forces_usage_ = config.usage.force;
  gateway->accounts_for_all_ = !config.state.file.empty();
  return std::shared_ptr<const Gateway>(gateway);
}

void Gateway::add_clients(const config::Config& config, const Gateway* former, const Now& now) {
  const auto make = [&](const std::string& name, const config::Client& rules) {
    std::shared_ptr<Meters> before;
    if (former != nullptr) {
      const auto found = former->clients_.find(name);
      if (found != former->clients_.end()) before = found->second->shared_meters();
    }
    return std::make_unique<Client>(name, rules, meters_for(Meters::limits_of(rules), before, now));
  };
  for (const auto& [name, rules] : config.clients) {
    const Digest digest =
        rules.token.empty() ? parse_digest(rules.token_sha256) : digest_of_(rules.token.reveal());
    auto client = make(name, rules);
    by_digest_.emplace(digest, client.get());
    clients_.emplace(name, std::move(client));
  }
  if (config.allow_anonymous && !config.clients.empty()) {
    const std::shared_ptr<Meters> before =
        former != nullptr && former->anonymous_ ? former->anonymous_->shared_meters() : nullptr;
    const config::Client& rules = config.client_defaults;
    anonymous_ = std::make_unique<Client>(
        "anonymous", rules, meters_for(Meters::limits_of(rules), before, now));
  }
}

void Gateway::add_keys(const config::Config& config, const Gateway* former, const Now& now) {
  for (const auto& [name, upstream] : config.upstreams) {
    if (upstream.keys.empty()) continue;
    const KeyRing* const ring = former == nullptr ? nullptr : former->keys_of(name);
    std::vector<std::unique_ptr<Key>> keys;
    std::vector<uint32_t> weights;
    for (const config::UpstreamKey& key : upstream.keys) {
      std::shared_ptr<Meters> before;
      for (size_t i = 0; ring != nullptr && i < ring->keys().size(); ++i) {
        if (ring->keys()[i]->name() == key.name) before = ring->keys()[i]->shared_meters();
      }
      keys.push_back(std::make_unique<Key>(
          key, upstream.key_in, meters_for(Meters::limits_of(key), before, now)));
      weights.push_back(key.weight);
    }
    keys_.emplace(name, std::make_unique<KeyRing>(std::move(keys), weights));
  }
}

void Gateway::add_prices(const config::Config& config) {
  // Nano-dollars a million are pico-dollars a thousandth.
  const auto rate = [](int64_t nano_dollars) {
    return nano_dollars / 1'000;
  };
  const auto rate_or_unsaid = [&](const std::optional<int64_t>& nano_dollars) {
    return nano_dollars ? rate(*nano_dollars) : openai::Rates::unsaid;
  };
  for (const auto& [model, said] : config.usage.prices) {
    auto price = std::make_unique<Price>();
    price->model = model;
    price->rates = {.input = rate(said.input),
                    .cached = rate_or_unsaid(said.cached),
                    .cache_write = rate_or_unsaid(said.cache_write),
                    .output = rate(said.output)};
    price->price = {
        .model = price->model, .rates = {&price->rates, 1}, .per_request = said.per_request};
    prices_.push_back(std::move(price));
  }
}

const openai::ModelPrice* Gateway::price_of(std::string_view model) const {
  for (const auto& each : prices_) {
    if (each->model == model) return &each->price;
  }
  return openai::find_price(model);
}

const Client* Gateway::client(std::string_view name) const {
  const auto found = clients_.find(name);
  if (found != clients_.end()) return found->second.get();
  return anonymous_ != nullptr && name == anonymous_->name() ? anonymous_.get() : nullptr;
}

// The same object where nothing has changed: what is under way is settled there.
std::shared_ptr<Meters> Gateway::meters_for(const Meters::Limits& limits,
                                            const std::shared_ptr<Meters>& former,
                                            const Now& now) const {
  if (former && former->has_limits(limits, *zone_)) return former;
  auto meters = std::make_shared<Meters>(limits, zone_);
  if (former) meters->inherit(*former, now);
  return meters;
}

const Client* Gateway::find(std::string_view token) const {
  const auto found = by_digest_.find(digest_of_(token));
  return found == by_digest_.end() ? nullptr : found->second;
}

KeyRing* Gateway::keys_of(const std::string& upstream) const {
  if (keys_.empty()) return nullptr;
  const auto found = keys_.find(upstream);
  return found == keys_.end() ? nullptr : found->second.get();
}

}  // namespace policy
