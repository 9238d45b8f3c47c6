#pragma once

// What policy wants to know of a request's body before it is sent on, found on the way through:
// nothing is buffered. A body that cannot be looked into is no error: all is `unknown` then.

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "openai/json_reader.h"
#include "openai/multipart_reader.h"
#include "openai/usage.h"

namespace openai {

// Value. A text that was looked for.
template <size_t bytes_max>
class FoundText {
 public:
  // Whether the member was there, whatever it held.
  [[nodiscard]] bool is_there() const { return state_ != State::absent; }
  // Whether it was there and can be read: a string of at most `bytes_max` bytes of UTF-8.
  [[nodiscard]] bool is_known() const { return state_ == State::known; }
  // Escapes decoded; empty unless known.
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }

  void set(std::string_view text, bool is_whole);
  void set_unreadable();

 private:
  enum class State : uint8_t { absent, known, unreadable };

  std::array<char, bytes_max> text_{};
  uint16_t size_ = 0;
  State state_ = State::absent;
};

// Value. How a body must be changed so that a stream tells its usage: at `offset`, `removed_bytes`
// are replaced by `text` (a static one).
struct BodyEdit {
  uint64_t offset = 0;
  uint64_t removed_bytes = 0;
  std::string_view text;

  [[nodiscard]] bool is_needed() const { return !text.empty(); }
};

// Value of about 3 KiB, one per request whose policy asks. One thread. Only members of the
// outermost object count, escapes in names are decoded, and of several of the same name the last
// wins, as with the parsers of the API's servers. Anything may come: nothing is allocated, nothing
// fails.
class RequestScan {
 public:
  enum class Format : uint8_t { json, multipart };

  // Which of the formats a Content-Type names; a JSON body without one is still JSON (as curl's -d
  // sends it, application/x-www-form-urlencoded), so everything but multipart is tried as that.
  // `content_type` is not kept.
  explicit RequestScan(std::string_view content_type);
  RequestScan() : RequestScan(std::string_view()) {}

  // The next piece of the body, decoded where it was compressed. Borrowed for the call.
  void feed(base::Bytes piece);
  // No more comes. `is_whole`: this was all of the body; false where the caller's bound cut it.
  void finish(bool is_whole);

  // Valid after finish(). Whether the body is one whole JSON object or multipart form; where it is
  // not, everything below but the bytes is as if nothing had been there, and a rule that needs it
  // must refuse.
  [[nodiscard]] bool is_known() const { return is_known_; }
  [[nodiscard]] Format format() const { return format_; }

  // There, but not known, also where a member has the same name in other letters ("Model"): some
  // servers take that for it.
  [[nodiscard]] const FoundText<256>& model() const { return model_; }
  [[nodiscard]] const FoundText<128>& prompt_cache_key() const { return prompt_cache_key_; }
  [[nodiscard]] const FoundText<128>& user() const { return user_; }
  [[nodiscard]] const FoundText<128>& previous_response_id() const { return previous_response_id_; }
  // The id, where it is a string or {"id": …}.
  [[nodiscard]] const FoundText<128>& conversation() const { return conversation_; }
  [[nodiscard]] const FoundText<32>& service_tier() const { return service_tier_; }

  [[nodiscard]] bool stream() const { return stream_; }
  // stream_options.include_usage
  [[nodiscard]] bool include_usage() const { return include_usage_; }
  // encoding_format is "base64"
  [[nodiscard]] bool base64() const { return base64_; }
  // Numbers of 0 and more; absent where the member is not one. What passes int64_t, or is too long
  // to read, is int64_t's largest.
  [[nodiscard]] std::optional<int64_t> max_tokens() const { return value_of(max_tokens_); }
  [[nodiscard]] std::optional<int64_t> max_completion_tokens() const {
    return value_of(max_completion_tokens_);
  }
  [[nodiscard]] std::optional<int64_t> max_output_tokens() const {
    return value_of(max_output_tokens_);
  }
  // The largest of the three; absent where none is said.
  [[nodiscard]] std::optional<int64_t> output_tokens_max() const;
  // Answers asked for (`n`), at least 1.
  [[nodiscard]] int64_t answers() const { return n_ > 1 ? n_ : 1; }

  // Bytes fed, and those of them that are text to a model: without base64 (data: URLs,
  // input_audio.data, file_data, image sources) and without the files of a form. Also where the
  // body is not known.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  [[nodiscard]] uint64_t text_bytes() const {
    return format_ == Format::multipart ? form_text_bytes_ : bytes_ - base64_bytes_;
  }
  [[nodiscard]] int64_t estimated_input_tokens() const { return estimated_tokens(text_bytes()); }

  // What to change in the body as it was fed so that stream_options.include_usage is true; not
  // needed where the body is not known, is no stream, says so already, or has stream_options that
  // are neither an object nor null (the upstream will say what is wrong with them).
  [[nodiscard]] BodyEdit include_usage_edit() const;

 private:
  enum class Member : uint8_t {
    other,
    model,
    model_otherwise,  // in other letters
    stream,
    stream_options,
    include_usage,
    encoding_format,
    max_tokens,
    max_completion_tokens,
    max_output_tokens,
    n,
    prompt_cache_key,
    user,
    previous_response_id,
    conversation,
    service_tier,
    base64,     // a text that is
    container,  // an object whose `data` is
  };
  enum class Options : uint8_t { absent, null, empty, filled, other };  // stream_options
  enum class Within : uint8_t { nothing, stream_options, conversation };
  static constexpr int64_t unsaid = -1;

  static std::optional<int64_t> value_of(int64_t number) {
    return number == unsaid ? std::nullopt : std::optional<int64_t>(number);
  }
  static Member member_at_top(std::string_view name);
  static Member member_inside(std::string_view name);

  void feed_json(std::string_view piece);
  void on_key();
  void on_value(JsonReader::Token token);
  void on_text(JsonReader::Token token);
  void on_number(JsonReader::Token token);
  void on_stream_options(JsonReader::Token token);
  void on_include_usage(JsonReader::Token token);
  void on_string();
  void on_close();
  [[nodiscard]] bool is_base64() const;
  void feed_form(std::string_view piece);
  void on_form_field();
  void forget();

  JsonReader reader_;
  MultipartReader form_;
  FoundText<256> model_;
  FoundText<128> prompt_cache_key_;
  FoundText<128> user_;
  FoundText<128> previous_response_id_;
  FoundText<128> conversation_;
  FoundText<32> service_tier_;
  uint64_t bytes_ = 0;
  uint64_t base64_bytes_ = 0;
  uint64_t form_text_bytes_ = 0;
  uint64_t object_offset_ = 0;   // just behind the outermost {
  uint64_t options_offset_ = 0;  // just behind that of stream_options, or where its null begins
  uint64_t include_usage_offset_ = 0;  // where its value begins
  uint64_t include_usage_bytes_ = 0;   // of that value; 0: it is not there
  int64_t max_tokens_ = unsaid;
  int64_t max_completion_tokens_ = unsaid;
  int64_t max_output_tokens_ = unsaid;
  int64_t n_ = unsaid;
  uint32_t container_depth_ = 0;  // of the innermost object whose `data` is base64
  Format format_ = Format::json;
  Member member_ = Member::other;  // whose value comes
  Options options_ = Options::absent;
  Within within_ = Within::nothing;  // at depth 2
  bool is_object_ = false;
  bool is_model_ambiguous_ = false;
  bool stream_ = false;
  bool include_usage_ = false;
  bool base64_ = false;
  bool is_known_ = false;
};

}  // namespace openai
