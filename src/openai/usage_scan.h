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

namespace openai {

// Value of about 1 KiB, one per answer or WebSocket session. One thread. Reads what OpenAI (chat,
// completions, responses, embeddings, images, audio, realtime), Anthropic and those that speak like
// them send; which dialect it is shows in the members.
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

  // Whether the upstream has said what was used. Of a session: of every answer so far.
  [[nodiscard]] bool has_usage() const { return has_usage_; }
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
  // messages, tool calls included, base64 not), or by all bytes where no text was recognised.
  [[nodiscard]] int64_t estimated_output_tokens() const;
  [[nodiscard]] uint64_t text_bytes() const { return text_bytes_; }

 private:
  // Where in the document we are: what the open objects mean.
  enum class Within : uint8_t { top, response, message, text, usage, details, cached_details };
  enum class Member : uint8_t;
  // Of one usage object, as written; -1 is unsaid.
  struct Raw {
    int64_t input = -1;
    int64_t output = -1;
    int64_t cached = -1;
    int64_t cache_written = -1;
    int64_t reasoning = -1;
    int64_t audio_input = -1;
    int64_t audio_cached = -1;
    int64_t audio_output = -1;
    int64_t image_input = -1;
    int64_t image_cached = -1;
    int64_t image_output = -1;
    int64_t audio_ms = -1;
    bool counts_cached_apart = false;  // Anthropic's way
  };
  enum class Kind : uint8_t { other, message_start, message_delta, final, failed, audio, image };

  static Member member_of(std::string_view name);
  static Usage normalised(const Raw& raw);
  void read_document(std::string_view piece);
  void on_token(JsonReader::Token token);
  void on_key();
  void on_string();
  void on_number();
  void on_open(bool is_object);
  void on_close();
  void end_document();
  void commit();

  JsonReader reader_;
  EventData events_;
  Raw raw_;   // of the answer so far
  Raw next_;  // of the document being read
  Usage usage_;
  uint64_t bytes_ = 0;
  uint64_t text_bytes_ = 0;
  uint64_t document_text_bytes_ = 0;
  std::array<char, JsonReader::text_bytes_max> model_{};
  uint32_t answers_ = 0;
  uint16_t model_bytes_ = 0;
  std::array<Within, 8> within_{};  // by depth, of what is not skipped
  Member member_{};                 // whose value comes
  Kind kind_ = Kind::other;         // of the document
  Form form_;
  ServiceTier service_tier_ = ServiceTier::unsaid;
  bool is_output_details_ = false;
  bool document_has_usage_ = false;
  bool document_has_error_ = false;
  bool has_usage_ = false;
  bool has_error_ = false;
  bool is_complete_ = false;
};

}  // namespace openai
