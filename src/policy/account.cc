#include "policy/account.h"

#include <algorithm>
#include <utility>

#include "openai/prices.h"

namespace policy {
namespace {

// Of an answer whose length the request does not bound.
constexpr int64_t output_tokens_unsaid = 1024;

// Whatever of `field` names a coding.
openai::Coding coding_of(const http::Head& head) {
  const http::Field* field = head.find("content-encoding");
  return field == nullptr ? openai::Coding::identity : openai::coding_of(field->value);
}

bool has_type(const http::Head& head, std::string_view type) {
  const http::Field* field = head.find(http::FieldId::content_type);
  return field != nullptr && http::equals_ignoring_case(field->value.substr(0, type.size()), type);
}

// Calls feed(piece) for each piece that `bytes` decode to.
template <class Feed>
void decode(openai::BodyDecoder& decoder, base::Bytes bytes, Feed feed) {
  while (true) {
    const base::Bytes piece = decoder.next(bytes);
    if (piece.empty()) return;
    feed(piece);
  }
}

// Stars in place of `secret`, wherever it stands.
bool hide(std::string& text, std::string_view secret) {
  bool found = false;
  for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos; found = true)
    text.replace(at, secret.size(), secret.size(), '*');
  return found;
}

}  // namespace

// The request.

bool Account::wants_forced_usage() const {
  return gateway_.forces_usage() && endpoint_.asks_for_usage;
}

bool Account::needs_body(const KeyRing* keys) const {
  if (has_looked_) return false;
  if (wants_forced_usage()) return true;
  if (client_ != nullptr) {
    const config::Client& rules = client_->rules();
    if (client_->chooses_models() || client_->meters().counts_tokens() ||
        client_->meters().counts_dollars() || rules.max_request.input_tokens > 0 ||
        rules.max_request.output_tokens > 0) {
      return true;
    }
  }
  return keys != nullptr &&
         std::any_of(keys->keys().begin(), keys->keys().end(), [](const auto& key) {
           return key->meters().counts_tokens();
         });
}

void Account::look_into(const base::OutQueue& body,
                        bool is_whole,
                        const http::Head& request,
                        base::Arena& arena) {
  if (has_looked_) return;
  has_looked_ = true;
  const http::Field* type = request.find(http::FieldId::content_type);
  openai::RequestScan scan(type == nullptr ? std::string_view() : type->value);
  openai::BodyDecoder decoder(coding_of(request));
  body.for_each([&](base::Bytes bytes) {
    decode(decoder, bytes, [&](base::Bytes piece) { scan.feed(piece); });
  });
  scan.finish(is_whole && decoder.may_end());
  told_.is_known = scan.is_known();
  told_.input_tokens = scan.estimated_input_tokens();
  told_.output_tokens_max =
      scan.output_tokens_max().value_or(output_tokens_unsaid) * scan.answers();
  told_.tier = openai::service_tier_of(scan.service_tier().text());
  // Bytes of a compressed body are not those that were looked at.
  const bool is_plain = coding_of(request) == openai::Coding::identity;
  if (is_whole && is_plain && wants_forced_usage()) edit_ = scan.include_usage_edit();
  if (scan.model().is_known()) told_.model = arena.copy(scan.model().text());
  if (!endpoint_.model.empty()) {
    told_.is_known = true;
    told_.model = endpoint_.model;
  }
}

openai::Usage Account::estimated_usage() const {
  if (endpoint_.metering == openai::Metering::free) return {};
  return {.input = told_.input_tokens, .output = told_.output_tokens_max};
}

int64_t Account::price_of(const openai::Usage& usage) const {
  const openai::ModelPrice* const price = gateway_.price_of(told_.model);
  return price == nullptr ? 0 : openai::cost_nanodollars(*price, usage, told_.tier);
}

Cost Account::expected_cost() const {
  const openai::Usage usage = estimated_usage();
  return {usage.total(), price_of(usage)};
}

bool Account::is_metered() const {
  return endpoint_.metering != openai::Metering::unknown;
}

bool Account::is_priced() const {
  return endpoint_.metering == openai::Metering::free || gateway_.price_of(told_.model) != nullptr;
}

Account::OfClient Account::take_of_client(SharedLimits* shared,
                                          const Waker& waker,
                                          const Now& now) {
  if (client_ == nullptr || has_taken_) return {};
  Meters& meters = client_->meters();
  const Cost cost = expected_cost();
  if (shared != nullptr && claim_ == nullptr && meters.limit_anything()) {
    claim_ = shared->ask({client_->name(), client_->shared_meters(), cost}, waker);
  }
  std::optional<LimitMet> met;
  switch (claim_ == nullptr ? SharedClaim::State::lost : claim_->state()) {
    case SharedClaim::State::asked:
      return {.is_pending = true};
    case SharedClaim::State::granted:
      meters.record(cost, now, of_client_);
      of_client_.requests_standing = claim_->requests_standing();
      of_client_.tokens_standing = claim_->tokens_standing();
      break;
    case SharedClaim::State::met:
      met = claim_->met();
      break;
    case SharedClaim::State::lost:
      met = meters.take(cost, now, of_client_);
      break;
  }
  has_taken_ = !met;
  if (met) claim_.reset();  // whoever waits for its turn asks anew
  return {.met = met};
}

std::optional<LimitMet> Account::take_of_keys(KeyRing& keys, const Now& now) {
  if (key_ != nullptr) return std::nullopt;
  const KeyRing::Choice choice = keys.choose(expected_cost(), now, of_key_);
  key_ = choice.key;
  return choice.met;
}

// The response.

void Account::begin_response(const http::Head& response) {
  if (response.status >= 400) {
    masks_ = key_ != nullptr && coding_of(response) == openai::Coding::identity;
    return;
  }
  if (has_type(response, "text/event-stream")) {
    scan_.emplace(openai::UsageScan::Form::events);
  } else if (has_type(response, "application/json")) {
    scan_.emplace(openai::UsageScan::Form::json);
  } else {
    return;
  }
  const openai::Coding coding = coding_of(response);
  if (coding != openai::Coding::identity) decoder_.emplace(coding);
  const bool is_stream = has_type(response, "text/event-stream");
  if (edit_.is_needed() && is_stream && !decoder_) filter_.emplace();
}

void Account::mask_head(http::Head& head, base::Arena& arena) const {
  if (key_ == nullptr) return;
  for (http::Field& field : head.fields) {
    if (field.value.find(key_->bare()) == std::string_view::npos) continue;
    std::string value(field.value);
    has_masked_ = hide(value, key_->bare()) || has_masked_;
    field.value = arena.copy(value);
  }
}

base::Bytes Account::mask(base::Bytes bytes) {
  const std::string_view secret = key_->bare();
  masked_.erase(0, mask_given_);
  masked_ += base::as_text(bytes);
  has_masked_ = hide(masked_, secret) || has_masked_;
  size_t kept = std::min(secret.size() - 1, masked_.size());
  while (kept > 0 && !secret.starts_with(std::string_view(masked_).substr(masked_.size() - kept)))
    --kept;
  mask_given_ = masked_.size() - kept;
  return base::as_bytes(std::string_view(masked_).substr(0, mask_given_));
}

base::Bytes Account::change(base::Bytes& bytes) {
  if (filter_) return filter_->next(bytes);
  if (bytes.empty()) return {};
  return mask(std::exchange(bytes, {}));
}

base::Bytes Account::change_end() {
  if (filter_) return filter_->finish();
  masked_.erase(0, std::exchange(mask_given_, 0));
  return base::as_bytes(masked_);
}

void Account::begin_tunnel() {
  scan_.emplace(openai::UsageScan::Form::messages);
  messages_.emplace();
}

void Account::on_body(base::Bytes bytes) {
  if (!scan_) return;
  if (decoder_) {
    decode(*decoder_, bytes, [&](base::Bytes piece) { scan_->feed(piece); });
  } else if (messages_) {
    read(bytes);
  } else {
    scan_->feed(bytes);
  }
}

void Account::read(base::Bytes bytes) {
  using Kind = http::WebSocketReader::Step::Kind;
  while (true) {
    const http::WebSocketReader::Step step = messages_->next(bytes);
    switch (step.kind) {
      case Kind::need_more:
      case Kind::lost:
        return;
      case Kind::text:
        scan_->feed(step.payload);
        break;
      case Kind::end:
        scan_->end_message();
        break;
    }
  }
}

// The end.

Bill Account::settle(bool was_served, const Now& now) {
  Bill bill{.model = told_.model};
  if (!was_served) {
    of_client_ = {};
    of_key_ = {};
    claim_.reset();
    return bill;
  }
  openai::ServiceTier tier = told_.tier;
  if (scan_) {
    scan_->finish();
    if (!scan_->model().empty()) bill.model = scan_->model();
    if (scan_->service_tier() != openai::ServiceTier::unsaid) tier = scan_->service_tier();
    bill.is_metered = scan_->has_usage();
    if (bill.is_metered) bill.usage = scan_->usage();
  }
  if (!bill.is_metered && endpoint_.metering != openai::Metering::free) {
    bill.usage.input = told_.input_tokens;
    if (scan_) bill.usage.output = scan_->estimated_output_tokens();
  }
  const openai::ModelPrice* price = gateway_.price_of(bill.model);
  if (price == nullptr && bill.model != told_.model) price = gateway_.price_of(told_.model);
  if (price != nullptr) {
    bill.nano_dollars = openai::cost_nanodollars(*price, bill.usage, tier);
  } else {
    bill.is_unpriced = bill.usage.total() > 0;
  }
  const Cost cost{bill.usage.total(), bill.nano_dollars};
  if (client_ != nullptr) client_->meters().settle(of_client_, cost, now);
  if (claim_ != nullptr) claim_->settle(cost);
  if (key_ != nullptr) key_->meters().settle(of_key_, cost, now);
  return bill;
}

}  // namespace policy
