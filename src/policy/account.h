#pragma once

// Whose request it is and what it comes to: what policy keeps of a request that somebody answers
// for, from its admission to its end.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/out_queue.h"
#include "http/head.h"
#include "http/websocket_reader.h"
#include "openai/body_decoder.h"
#include "openai/endpoints.h"
#include "openai/request_scan.h"
#include "openai/usage.h"
#include "openai/usage_chunk_filter.h"
#include "openai/usage_scan.h"
#include "policy/gateway.h"
#include "policy/meters.h"
#include "policy/shared_limits.h"

namespace policy {

// A tap on the bytes of a response: reads along, changes nothing. The bytes are borrowed for the
// call.
class BodyTap {
 public:
  virtual ~BodyTap() = default;
  virtual void on_body(base::Bytes bytes) = 0;
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

  // What to change in the request's body so that its stream tells what was used; nothing to do for
  // most.
  [[nodiscard]] const openai::BodyEdit& edit() const { return edit_; }

  // Takes it of the client's limits, then of a key's. Once granted it is not taken again.
  struct OfClient {
    bool is_pending = false;  // `waker` is called when to ask again
    std::optional<LimitMet> met = {};
  };
  // Of those in `shared`, where there are any and they answer; else of this process's own, which
  // count along.
  [[nodiscard]] OfClient take_of_client(SharedLimits* shared, const Waker& waker, const Now& now);
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

  // Whether the response's body is changed on its way down: our key made unreadable where something
  // went wrong, the chunk with the usage that only we asked for taken out.
  [[nodiscard]] bool changes_body() const { return masks_ || filter_; }
  // Its length is not what the upstream says then.
  [[nodiscard]] bool shortens_body() const { return filter_.has_value(); }
  // The next piece that goes down of what came; `bytes` is shortened by what was read. Empty when
  // that is used up: what may still have to change is kept for the next call, or for the end. Views
  // `bytes` or what is kept; valid until the next call.
  [[nodiscard]] base::Bytes change(base::Bytes& bytes);
  [[nodiscard]] base::Bytes change_end();
  // Makes our key unreadable in a response's head, in place; new bytes go to `arena`.
  void mask_head(http::Head& head, base::Arena& arena) const;
  // Whether some was found.
  [[nodiscard]] bool has_masked() const { return has_masked_; }

  // The end. `was_served`: something of a good answer went out; else it was nothing, and all is
  // given back.
  [[nodiscard]] Bill settle(bool was_served, const Now& now);

 private:
  [[nodiscard]] int64_t price_of(const openai::Usage& usage) const;
  [[nodiscard]] Cost expected_cost() const;
  [[nodiscard]] openai::Usage estimated_usage() const;
  [[nodiscard]] bool wants_forced_usage() const;
  [[nodiscard]] base::Bytes mask(base::Bytes bytes);
  void read(base::Bytes bytes);

  const Gateway& gateway_;
  const Client* client_;
  const Key* key_ = nullptr;
  std::string_view token_;
  openai::Endpoint endpoint_;
  Told told_;
  bool has_looked_ = false;
  bool has_taken_ = false;
  std::unique_ptr<SharedClaim> claim_;
  Meters::Taken of_client_;
  Meters::Taken of_key_;

  openai::BodyEdit edit_;
  std::optional<openai::UsageChunkFilter> filter_;
  std::string masked_;  // what mask() gave, with what it keeps behind
  size_t mask_given_ = 0;
  bool masks_ = false;
  mutable bool has_masked_ = false;

  std::optional<openai::UsageScan> scan_;
  std::optional<openai::BodyDecoder> decoder_;  // of a compressed response
  std::optional<http::WebSocketReader> messages_;
};

}  // namespace policy
