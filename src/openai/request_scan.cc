#include "openai/request_scan.h"

#include <algorithm>
#include <limits>

#include "base/ascii.h"
#include "openai/json_number.h"
#include "openai/name_table.h"
#include "openai/utf8.h"

namespace openai {
namespace {

constexpr int64_t count_max = std::numeric_limits<int64_t>::max();
// A data: URL says by here whether it is base64; the longest media types of documents have 75
// bytes.
constexpr size_t prefix_bytes = 128;

// Go's encoding/json, among others, takes it for "model".
bool is_model_otherwise(std::string_view name) {
  constexpr std::string_view model = "model";
  return std::equal(
      name.begin(), name.end(), model.begin(), model.end(), [](char c, char expected) {
        return base::to_lower(c) == expected;
      });
}

bool is_count(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

template <size_t bytes_max>
void FoundText<bytes_max>::set(std::string_view text, bool is_whole) {
  if (!is_whole || text.size() > bytes_max) {
    set_unreadable();
    return;
  }
  std::copy(text.begin(), text.end(), text_.begin());
  size_ = static_cast<uint16_t>(text.size());
  state_ = State::known;
}

template <size_t bytes_max>
void FoundText<bytes_max>::set_unreadable() {
  size_ = 0;
  state_ = State::unreadable;
}

template class FoundText<32>;
template class FoundText<128>;
template class FoundText<256>;

using Token = JsonReader::Token;

RequestScan::RequestScan(std::string_view content_type)
    : form_(content_type),
      format_(MultipartReader::is_form(content_type) ? Format::multipart : Format::json) {}

void RequestScan::feed(base::Bytes piece) {
  bytes_ += piece.size();
  if (format_ == Format::multipart) {
    feed_form(base::as_text(piece));
  } else {
    feed_json(base::as_text(piece));
  }
}

void RequestScan::finish(bool is_whole) {
  if (format_ == Format::multipart) {
    is_known_ = is_whole && form_.is_complete();
  } else {
    is_known_ = is_whole && is_object_ && reader_.is_complete();
    if (reader_.open_string_bytes() != 0 && is_base64()) {
      base64_bytes_ += reader_.open_string_bytes();
    }
  }
  if (is_model_ambiguous_) model_.set_unreadable();
  if (!is_known_) forget();
}

void RequestScan::forget() {
  const uint64_t bytes = bytes_;
  const uint64_t base64_bytes = base64_bytes_;
  const uint64_t form_text_bytes = form_text_bytes_;
  const Format format = format_;
  *this = RequestScan();
  bytes_ = bytes;
  base64_bytes_ = base64_bytes;
  form_text_bytes_ = form_text_bytes;
  format_ = format;
}

std::optional<int64_t> RequestScan::output_tokens_max() const {
  return value_of(std::max({max_tokens_, max_completion_tokens_, max_output_tokens_}));
}

BodyEdit RequestScan::include_usage_edit() const {
  if (!is_known_ || format_ != Format::json || !stream_ || include_usage_) return {};
  switch (options_) {
    case Options::absent:
      return {object_offset_, 0, R"("stream_options":{"include_usage":true},)"};
    case Options::null:
      return {options_offset_, 4, R"({"include_usage":true})"};
    case Options::empty:
      return {options_offset_, 0, R"("include_usage":true)"};
    case Options::filled:
      if (include_usage_bytes_ == 0) return {options_offset_, 0, R"("include_usage":true,)"};
      return {include_usage_offset_, include_usage_bytes_, "true"};
    case Options::other:
      break;
  }
  return {};
}

void RequestScan::feed_json(std::string_view piece) {
  for (Token token = Token::none; (token = reader_.next(piece)) != Token::none;) {
    switch (token) {
      case Token::key:
        on_key();
        break;
      case Token::close_object:
      case Token::close_array:
        on_close();
        break;
      default:
        on_value(token);
        member_ = Member::other;
        break;
    }
  }
}

RequestScan::Member RequestScan::member_at_top(std::string_view name) {
  static constexpr auto names = NameTable<Member, 13>({
      {"model", Member::model},
      {"stream", Member::stream},
      {"stream_options", Member::stream_options},
      {"encoding_format", Member::encoding_format},
      {"max_tokens", Member::max_tokens},
      {"max_completion_tokens", Member::max_completion_tokens},
      {"max_output_tokens", Member::max_output_tokens},
      {"n", Member::n},
      {"prompt_cache_key", Member::prompt_cache_key},
      {"user", Member::user},
      {"previous_response_id", Member::previous_response_id},
      {"conversation", Member::conversation},
      {"service_tier", Member::service_tier},
  });
  if (const Member* found = names.find(name)) return *found;
  return is_model_otherwise(name) ? Member::model_otherwise : Member::other;
}

// Deeper, only what is no text matters: files, sound and pictures written as base64.
RequestScan::Member RequestScan::member_inside(std::string_view name) {
  static constexpr auto names = NameTable<Member, 5>({
      {"file_data", Member::base64},
      {"input_audio", Member::container},
      {"source", Member::container},       // Anthropic
      {"inline_data", Member::container},  // Gemini
      {"inlineData", Member::container},
  });
  const Member* found = names.find(name);
  return found == nullptr ? Member::other : *found;
}

void RequestScan::on_key() {
  const std::string_view name = reader_.is_text_whole() ? reader_.text() : std::string_view();
  const uint32_t depth = reader_.depth();
  if (depth == 1) {
    member_ = member_at_top(name);
  } else if (depth == 2 && within_ == Within::stream_options) {
    options_ = options_ == Options::empty ? Options::filled : options_;
    member_ = name == "include_usage" ? Member::include_usage : Member::other;
  } else if (depth == 2 && within_ == Within::conversation) {
    member_ = name == "id" ? Member::conversation : Member::other;
  } else {
    member_ = member_inside(name);
    if (depth == container_depth_ && name == "data") member_ = Member::base64;
  }
  reader_.keep_text(depth > 2 || member_ == Member::other ? prefix_bytes
                                                          : JsonReader::text_bytes_max);
}

void RequestScan::on_close() {
  if (reader_.depth() < container_depth_) container_depth_ = 0;
  if (reader_.depth() == 1) within_ = Within::nothing;
}

// Every value but keys and closes: what opens has its depth already.
void RequestScan::on_value(Token token) {
  if (token == Token::string && is_base64()) base64_bytes_ += reader_.raw_bytes();
  switch (member_) {
    case Member::other:
    case Member::base64:
      if (token == Token::open_object && reader_.depth() == 1) {
        is_object_ = true;
        object_offset_ = reader_.offset();
      }
      break;
    case Member::container:
      if (token == Token::open_object) container_depth_ = reader_.depth();
      break;
    case Member::model_otherwise:
      is_model_ambiguous_ = true;
      break;
    case Member::stream:
      stream_ = token == Token::truth;
      break;
    case Member::stream_options:
      on_stream_options(token);
      break;
    case Member::include_usage:
      on_include_usage(token);
      break;
    case Member::encoding_format:
      base64_ = token == Token::string && reader_.text() == "base64";
      break;
    case Member::max_tokens:
    case Member::max_completion_tokens:
    case Member::max_output_tokens:
    case Member::n:
      on_number(token);
      break;
    default:
      on_text(token);
      break;
  }
}

void RequestScan::on_text(Token token) {
  const auto set = [&](auto& found) {
    if (token == Token::string) {
      found.set(reader_.text(), reader_.is_text_whole());
    } else if (token == Token::null) {
      found = {};
    } else {
      found.set_unreadable();
    }
  };
  switch (member_) {
    case Member::model:
      set(model_);
      break;
    case Member::prompt_cache_key:
      set(prompt_cache_key_);
      break;
    case Member::user:
      set(user_);
      break;
    case Member::previous_response_id:
      set(previous_response_id_);
      break;
    case Member::service_tier:
      set(service_tier_);
      break;
    default:
      set(conversation_);
      if (token == Token::open_object && reader_.depth() == 2) within_ = Within::conversation;
      break;
  }
}

void RequestScan::on_number(Token token) {
  const int64_t number = token == Token::number
                             ? count_of(reader_.text(), reader_.is_text_whole(), count_max)
                             : unsaid;
  switch (member_) {
    case Member::max_tokens:
      max_tokens_ = number;
      break;
    case Member::max_completion_tokens:
      max_completion_tokens_ = number;
      break;
    case Member::max_output_tokens:
      max_output_tokens_ = number;
      break;
    default:
      n_ = number;
      break;
  }
}

void RequestScan::on_stream_options(Token token) {
  include_usage_ = false;
  include_usage_bytes_ = 0;
  if (token == Token::open_object) {
    options_ = Options::empty;
    options_offset_ = reader_.offset();
    within_ = Within::stream_options;
  } else {
    options_ = token == Token::null ? Options::null : Options::other;
    options_offset_ = reader_.token_offset();
  }
}

void RequestScan::on_include_usage(Token token) {
  include_usage_ = token == Token::truth;
  if (token != Token::truth && token != Token::falsehood && token != Token::null) {
    options_ = Options::other;
    return;
  }
  include_usage_offset_ = reader_.token_offset();
  include_usage_bytes_ = reader_.raw_bytes();
}

// Of the string that is or was read last.
bool RequestScan::is_base64() const {
  if (member_ == Member::base64) return true;
  return reader_.text().starts_with("data:") &&
         reader_.text().find(";base64,") != std::string_view::npos;
}

void RequestScan::feed_form(std::string_view piece) {
  for (;;) {
    switch (form_.next(piece)) {
      case MultipartReader::Event::none:
      case MultipartReader::Event::malformed:
        return;
      case MultipartReader::Event::file:
        break;
      case MultipartReader::Event::field:
        form_text_bytes_ += form_.bytes();
        on_form_field();
        break;
    }
  }
}

// Servers differ in which of two fields of the same name they take: two models are none.
void RequestScan::on_form_field() {
  const std::string_view value = form_.value();
  if (form_.name() == "model") {
    const bool is_other = model_.is_there() && model_.text() != value;
    model_.set(value, form_.is_value_whole() && !is_other && is_utf8(value));
  } else if (form_.name() == "stream") {
    stream_ = value == "true" || value == "True" || value == "1";
  } else if (form_.name() == "n") {
    n_ = is_count(value) ? count_of(value, form_.is_value_whole(), count_max) : unsaid;
  } else if (form_.name() == "user") {
    user_.set(value, form_.is_value_whole() && is_utf8(value));
  }
}

}  // namespace openai
