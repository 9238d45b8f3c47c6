#pragma once

// Usage out of an answer as it passes: read-only, nothing is buffered or delayed, memory is the
// same whatever the length of a line, and nothing that comes is an error.

#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "openai/event_data.h"
#include "openai/json_reader.h"
#include "openai/usage.h"
#include "openai/usage_reader.h"

namespace openai {

// Value of about 1 KiB, one per answer or WebSocket session. One thread. Reads what OpenAI (chat,
// completions, responses, embeddings, images, audio, realtime), Anthropic, Gemini and those that
// speak like them send; which dialect it is shows in the members.
class UsageScan {
 public:
  enum class Form : uint8_t {
    json,      // one document
    events,    // server-sent events, each a document. The last usage counts: it is the sum so far
    messages,  // WebSocket text messages, each a document. Each answer's usage is added
  };

  explicit UsageScan(Form form = Form::json) : form_(form) {}

  // The next piece, decoded where it was compressed. Borrowed for the call.
  void feed(base::Bytes piece);
  // `messages`: the message is over, the next piece begins another.
  void end_message();
  // No more comes, whether the answer was whole or not.
  void finish();

  // Whether the upstream has said what was used; with `json` after finish() only. Of a session: of
  // every answer so far.
  [[nodiscard]] bool has_usage() const { return answers_ != 0; }
  [[nodiscard]] const Usage& usage() const { return usage_; }
  // Answers that told their usage; with `messages` more than one.
  [[nodiscard]] uint32_t answers() const { return answers_; }

  // As answered; empty where it was not said or is too long.
  [[nodiscard]] std::string_view model() const { return {model_.data(), model_bytes_}; }
  [[nodiscard]] ServiceTier service_tier() const { return service_tier_; }
  // The upstream said itself that it failed (`error`, response.failed).
  [[nodiscard]] bool has_error() const { return has_error_; }
  // The answer's own end has come: [DONE], response.completed, message_stop and the like; one JSON
  // document closed.
  [[nodiscard]] bool is_complete() const { return is_complete_; }

  // Where there is no usage: tokens of output by the text that came (3.5 bytes each; deltas and
  // messages, tool calls included, base64 not), or by all bytes where nothing was understood.
  [[nodiscard]] int64_t estimated_output_tokens() const;
  [[nodiscard]] uint64_t text_bytes() const { return text_bytes_; }

 private:
  enum class Member : uint8_t;
  enum class Kind : uint8_t { other, message_delta, final, failed, base64 };
  // What an open object or array means.
  enum class Place : uint8_t { top, answer, text };

  void read_document(std::string_view piece);
  void on_token(JsonReader::Token token);
  void on_key();
  static Member member_at_top(std::string_view name);
  static Member member_of_answer(std::string_view name);
  static Member member_of_text(std::string_view name);
  void on_open(bool is_object);
  void on_string();
  void on_type(std::string_view type);
  void end_document();

  JsonReader reader_;
  EventData events_;
  UsageReader usage_reader_;
  UsageCounts counts_;  // of the answer so far
  Usage usage_;
  uint64_t bytes_ = 0;
  uint64_t text_bytes_ = 0;
  uint64_t document_bytes_ = 0;
  uint64_t document_text_bytes_ = 0;
  std::array<char, JsonReader::text_bytes_max> model_{};
  std::array<Place, 16> places_{};  // by depth
  uint32_t answers_ = 0;
  uint16_t model_bytes_ = 0;
  uint8_t done_matched_ = 0;  // bytes of [DONE] at the document's beginning
  Form form_;
  Member member_{};          // whose value comes
  Kind kind_ = Kind::other;  // of the document
  ServiceTier service_tier_ = ServiceTier::unsaid;
  bool in_choices_ = false;  // the text is that of `choices`
  bool in_usage_ = false;    // tokens are usage_reader_'s
  bool is_understood_ = false;
  bool has_error_ = false;
  bool is_complete_ = false;
};

}  // namespace openai
