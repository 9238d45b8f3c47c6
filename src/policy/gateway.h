#pragma once

// What all workers share of policy: the clients with their limits, the upstreams' keys with theirs.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/network.h"
#include "base/result.h"
#include "base/time_zone.h"
#include "config/config.h"
#include "openai/api_error.h"
#include "openai/prices.h"
#include "policy/line.h"
#include "policy/meters.h"

namespace policy {

// SHA-256, by whoever has it.
using Digest = std::array<unsigned char, 32>;
using DigestOf = Digest (*)(std::string_view text);

// One client: its rules and what it may use. Immutable but for its meters; any thread.
class Client {
 public:
  Client(std::string name, const config::Client& rules, std::shared_ptr<Meters> meters);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const config::Client& rules() const { return rules_; }
  [[nodiscard]] Meters& meters() const { return *meters_; }
  [[nodiscard]] const std::shared_ptr<Meters>& shared_meters() const { return meters_; }
  // Its requests that wait for a limit.
  [[nodiscard]] Line& line() const { return line_; }

  // Whether it may come in by what is known without a look at the request's body; else the error
  // that says why not. `origin` is "" where no page sent it.
  struct Entry {
    std::string_view address;  // as text
    std::string_view origin;
    std::string_view path;
    int64_t now_s = 0;
  };
  [[nodiscard]] std::optional<openai::ApiError> check(const Entry& entry) const;

  // Whether it may use some models only; and whether it may use that one, nothing being one that is
  // not known.
  [[nodiscard]] bool chooses_models() const {
    return !rules_.models.empty() || !rules_.models_denied.empty();
  }
  [[nodiscard]] std::optional<openai::ApiError> check_model(
      const std::optional<std::string_view>& model) const;

 private:
  std::string name_;
  config::Client rules_;  // without its token
  std::shared_ptr<Meters> meters_;
  mutable Line line_;
};

// One key of an upstream. Immutable but for its meters; any thread.
class Key {
 public:
  Key(const config::UpstreamKey& key,
      const config::KeyPlace& place,
      std::shared_ptr<Meters> meters);

  [[nodiscard]] const std::string& name() const { return name_; }
  // As it is sent, with "Bearer " in front where its place is Authorization; and bare.
  [[nodiscard]] std::string_view value() const { return value_.reveal(); }
  [[nodiscard]] std::string_view bare() const { return value().substr(bare_begins_); }
  [[nodiscard]] const config::KeyPlace& place() const { return place_; }
  [[nodiscard]] const std::string& organization() const { return organization_; }
  [[nodiscard]] const std::string& project() const { return project_; }
  [[nodiscard]] Meters& meters() const { return *meters_; }
  [[nodiscard]] const std::shared_ptr<Meters>& shared_meters() const { return meters_; }

 private:
  std::string name_;
  config::Secret value_;
  size_t bare_begins_ = 0;
  config::KeyPlace place_;
  std::string organization_;
  std::string project_;
  std::shared_ptr<Meters> meters_;
};

// The keys of one upstream, taken in turn by weight. Any thread.
class KeyRing {
 public:
  explicit KeyRing(std::vector<std::unique_ptr<Key>> keys, const std::vector<uint32_t>& weights);

  [[nodiscard]] const std::vector<std::unique_ptr<Key>>& keys() const { return keys_; }

  // The next one that can carry a request of `cost`, which is taken of its limits; or, where none
  // can, the limit of the one that is free first.
  struct Choice {
    const Key* key = nullptr;
    std::optional<LimitMet> met = {};
  };
  [[nodiscard]] Choice choose(const Cost& cost, const Now& now, Meters::Taken& taken);

 private:
  std::vector<std::unique_ptr<Key>> keys_;
  std::vector<uint16_t> turns_;  // indexes of keys, as their weights interleave them
  std::atomic<uint32_t> turn_{0};
};

// Resource, shared; immutable but for meters and turns. Any thread.
class Gateway {
 public:
  // Goes on where `former` is; nullptr at the start. The error is a sentence: the time zone.
  [[nodiscard]] static base::Result<std::shared_ptr<const Gateway>, std::string> make(
      const config::Config& config, const Gateway* former, DigestOf digest_of, const Now& now);

  // Whether who comes has to show a token, and whose it is; nullptr: nobody's.
  [[nodiscard]] bool has_clients() const { return !clients_.empty(); }
  [[nodiscard]] const Client* find(std::string_view token) const;
  // Who shows none; nullptr: may not come in. Without clients it is nobody either.
  [[nodiscard]] const Client* anonymous() const { return anonymous_.get(); }
  // By name, the anonymous one included; nullptr: there is none.
  [[nodiscard]] const Client* client(std::string_view name) const;
  template <class Visit>
  void for_each_client(Visit visit) const {
    for (const auto& [name, client] : clients_)
      visit(*client);
    if (anonymous_) visit(*anonymous_);
  }

  // Whether what everybody uses is wanted, also of who has neither a token nor a key of ours.
  [[nodiscard]] bool accounts_for_all() const { return accounts_for_all_; }
  // Whether streams tell what they used, also where their clients did not ask.
  [[nodiscard]] bool forces_usage() const { return forces_usage_; }
  // A price of the configuration, else of the built-in table; nullptr: neither has one. Borrowed.
  [[nodiscard]] const openai::ModelPrice* price_of(std::string_view model) const;

  // nullptr: the upstream has none, the client's own goes through.
  [[nodiscard]] KeyRing* keys_of(const std::string& upstream) const;

 private:
  Gateway(DigestOf digest_of, std::shared_ptr<const base::TimeZone> zone)
      : digest_of_(digest_of), zone_(std::move(zone)) {}

  struct DigestHash {
    size_t operator()(const Digest& digest) const;
  };

  void add_clients(const config::Config& config, const Gateway* former, const Now& now);
  void add_keys(const config::Config& config, const Gateway* former, const Now& now);
  void add_prices(const config::Config& config);
  [[nodiscard]] std::shared_ptr<Meters> meters_for(const Meters::Limits& limits,
                                                   const std::shared_ptr<Meters>& former,
                                                   const Now& now) const;

  DigestOf digest_of_;
  std::shared_ptr<const base::TimeZone> zone_;
  // With what its views and spans are of.
  struct Price {
    std::string model;
    openai::Rates rates;
    openai::ModelPrice price;
  };
  std::vector<std::unique_ptr<Price>> prices_;
  bool accounts_for_all_ = false;
  bool forces_usage_ = false;
  std::map<std::string, std::unique_ptr<Client>, std::less<>> clients_;
  std::unordered_map<Digest, const Client*, DigestHash> by_digest_;
  std::unique_ptr<Client> anonymous_;
  std::map<std::string, std::unique_ptr<KeyRing>> keys_;
};

}  // namespace policy
