#pragma once

// Whose request it is and what it comes to: what policy keeps of a request that somebody answers
// for, from its admission to its end.

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/out_queue.h"
#include "http/head.h"
#include "http/websocket_reader.h"
#include "openai/body_decoder.h"
#include "openai/endpoints.h"
#include "openai/usage.h"
#include "openai/usage_scan.h"
#include "policy/gateway.h"
#include "policy/meters.h"

namespace policy {

// A tap on the bytes of a response: reads along, changes nothing. The bytes are borrowed for the
// call.
class BodyTap {
 public:
  virtual void on_body(base::Bytes bytes) = 0;

 protected:
  ~BodyTap() = default;
};

// What the body of a request told of it.
struct Told {
  bool is_known = false;        // else nothing below is
  std::string_view model = {};  // in the request's arena; "" where none is named
  int64_t input_tokens = 0;     // estimated, also where nothing else is known
  int64_t output_tokens_max = 0;
  openai::ServiceTier tier = openai::ServiceTier::unsaid;
};

// What it came to.
struct Bill {
  openai::Usage usage = {};
  std::string_view model = {};  // as answered, else as asked for; lives as long as the account
  int64_t nano_dollars = 0;
  bool is_metered = false;   // the upstream said so, rather than an estimate of ours
  bool is_unpriced = false;  // tokens without a known price
};

// Resource, one per such request. One thread. Gives back in its end what was taken and not settled.
class Account final : public BodyTap {
 public:
  // Of a client, or of nobody (nullptr). `token` as it was shown, if one was.
  Account(const Gateway& gateway, const Client* client, std::string_view token)
      : gateway_(gateway), client_(client), token_(token) {}

  [[nodiscard]] const Client* client() const { return client_; }
  [[nodiscard]] const Key* key() const { return key_; }
  [[nodiscard]] std::string_view token() const { return token_; }
  [[nodiscard]] const openai::Endpoint& endpoint() const { return endpoint_; }
  [[nodiscard]] const Told& told() const { return told_; }

  // Of its path, before all that follows.
  void set_endpoint(const openai::Endpoint& endpoint) { endpoint_ = endpoint; }
  // Whether its body has to be here before anything is decided.
  [[nodiscard]] bool needs_body(const KeyRing* keys) const;
  // Looks into what is here of its body. Once.
  void look_into(const base::OutQueue& body,
                 bool is_whole,
                 const http::Head& request,
                 base::Arena& arena);

  // Takes it of the client's limits, then of a key's. Once granted it is not taken again.
  [[nodiscard]] std::optional<LimitMet> take_of_client(const Now& now);
  [[nodiscard]] std::optional<LimitMet> take_of_keys(KeyRing& keys, const Now& now);
  // Whether what it costs can be known: of an endpoint that tells, for a model with a price.
  [[nodiscard]] bool is_metered() const;
  [[nodiscard]] bool is_priced() const;

  // The client's standing, for heads of responses.
  [[nodiscard]] const Meters::Taken& taken() const { return of_client_; }

  // The response begins: what of it will tell its usage.
  void begin_response(const http::Head& response);
  void begin_tunnel();
  void on_body(base::Bytes bytes) override;

  // The end. `was_served`: something of a good answer went out; else it was nothing, and all is
  // given back.
  [[nodiscard]] Bill settle(bool was_served, const Now& now);

 private:
  [[nodiscard]] int64_t price_of(const openai::Usage& usage) const;
  [[nodiscard]] Cost expected_cost() const;
  [[nodiscard]] openai::Usage estimated_usage() const;
  void read(base::Bytes bytes);

  const Gateway& gateway_;
  const Client* client_;
  const Key* key_ = nullptr;
  std::string_view token_;
  openai::Endpoint endpoint_;
  Told told_;
  bool has_looked_ = false;
  bool has_taken_ = false;
  Meters::Taken of_client_;
  Meters::Taken of_key_;

  std::optional<openai::UsageScan> scan_;
  std::optional<openai::BodyDecoder> decoder_;  // of a compressed response
  std::optional<http::WebSocketReader> messages_;
};

}  // namespace policy
