#include "openai/usage_scan.h"

#include <algorithm>
#include <iterator>

#include "openai/name_table.h"

namespace openai {
namespace {

constexpr std::string_view done = "[DONE]";

}  // namespace

enum class UsageScan::Member : uint8_t {
  other,
  answer,  // an object that holds model, usage …
  text,    // of the model, to be counted, or an object or array that holds some
  usage,
  model,
  service_tier,
  type,
  error,
};

using Token = JsonReader::Token;

void UsageScan::feed(base::Bytes piece) {
  bytes_ += piece.size();
  std::string_view rest = base::as_text(piece);
  if (form_ != Form::events) {
    read_document(rest);
    return;
  }
  std::string_view part;
  for (;;) {
    const EventData::Step step = events_.next(rest, part);
    if (step == EventData::Step::none) return;
    if (step == EventData::Step::data) {
      read_document(part);
    } else {
      end_document();
    }
  }
}

void UsageScan::end_message() {
  if (form_ == Form::messages) end_document();
}

// What the last document said counts also where its end is missing.
void UsageScan::finish() {
  if (form_ == Form::json && reader_.is_complete()) is_complete_ = true;
  if (form_ != Form::messages) end_document();
}

int64_t UsageScan::estimated_output_tokens() const {
  const bool is_text_known = text_bytes_ != 0 || (form_ != Form::json && is_understood_);
  return estimated_tokens(is_text_known ? text_bytes_ : bytes_);
}

void UsageScan::read_document(std::string_view piece) {
  for (size_t i = 0; i < piece.size() && done_matched_ == document_bytes_ + i; ++i) {
    if (done_matched_ == done.size() || piece[i] != done[done_matched_]) break;
    ++done_matched_;
  }
  document_bytes_ += piece.size();
  for (Token token = Token::none; (token = reader_.next(piece)) != Token::none;) {
    on_token(token);
  }
}

void UsageScan::end_document() {
  if (document_bytes_ == 0) return;
  if (done_matched_ == done.size() && document_bytes_ == done.size()) is_complete_ = true;
  if (kind_ == Kind::final || kind_ == Kind::failed) is_complete_ = true;
  if (kind_ == Kind::failed) has_error_ = true;
  if (kind_ != Kind::base64) text_bytes_ += document_text_bytes_;
  if (usage_reader_.has_counts() && !reader_.is_malformed()) {
    if (kind_ == Kind::message_delta) {
      counts_.update(usage_reader_.counts());
    } else {
      counts_ = usage_reader_.counts();
    }
    if (form_ == Form::messages) {
      add(usage_, counts_.normalised());
      ++answers_;
    } else {
      usage_ = counts_.normalised();
      answers_ = 1;
    }
  }
  usage_reader_.forget();
  reader_.restart();
  document_bytes_ = 0;
  document_text_bytes_ = 0;
  done_matched_ = 0;
  member_ = Member::other;
  kind_ = Kind::other;
  in_choices_ = false;
  in_usage_ = false;
}

void UsageScan::on_token(Token token) {
  if (in_usage_) {
    in_usage_ = !usage_reader_.on_token(reader_, token);
    return;
  }
  switch (token) {
    case Token::key:
      on_key();
      return;
    case Token::open_object:
    case Token::open_array:
      on_open(token == Token::open_object);
      break;
    case Token::string:
      on_string();
      break;
    default:
      break;
  }
  member_ = Member::other;
}

void UsageScan::on_key() {
  const std::string_view name = reader_.is_text_whole() ? reader_.text() : std::string_view();
  switch (places_[reader_.depth()]) {
    case Place::top:
      member_ = member_at_top(name);
      is_understood_ |= member_ != Member::other;
      if (member_ == Member::text) in_choices_ = name == "choices";
      break;
    case Place::answer:
      member_ = member_of_answer(name);
      break;
    case Place::text:
      member_ = member_of_text(name);
      // Moonshot's way.
      if (in_choices_ && reader_.depth() == 3 && name == "usage") member_ = Member::usage;
      break;
  }
  const bool is_name =
      member_ == Member::model || member_ == Member::service_tier || member_ == Member::type;
  reader_.keep_text(is_name ? JsonReader::text_bytes_max : 0);
  if (member_ == Member::other) reader_.skip();
}

UsageScan::Member UsageScan::member_at_top(std::string_view name) {
  static constexpr auto names = NameTable<Member, 16>({
      {"type", Member::type},
      {"choices", Member::text},
      {"delta", Member::text},
      {"content_block", Member::text},
      {"content", Member::text},
      {"candidates", Member::text},
      {"response", Member::answer},
      {"message", Member::answer},
      {"session", Member::answer},
      {"x_groq", Member::answer},
      {"usage", Member::usage},
      {"usageMetadata", Member::usage},
      {"model", Member::model},
      {"modelVersion", Member::model},
      {"service_tier", Member::service_tier},
      {"error", Member::error},
  });
  const Member* found = names.find(name);
  return found == nullptr ? Member::other : *found;
}

UsageScan::Member UsageScan::member_of_answer(std::string_view name) {
  const Member member = member_at_top(name);
  const bool is_of_stream =
      member == Member::type || member == Member::text || member == Member::answer;
  return is_of_stream ? Member::other : member;
}

// Of choices and content: what the model wrote, and where it stands.
UsageScan::Member UsageScan::member_of_text(std::string_view name) {
  static constexpr auto names = NameTable<Member, 15>({
      {"delta", Member::text},
      {"content", Member::text},
      {"message", Member::text},
      {"text", Member::text},
      {"tool_calls", Member::text},
      {"function", Member::text},
      {"arguments", Member::text},
      {"reasoning_content", Member::text},
      {"reasoning", Member::text},
      {"refusal", Member::text},
      {"thinking", Member::text},
      {"partial_json", Member::text},
      {"function_call", Member::text},
      {"parts", Member::text},
      {"transcript", Member::text},
  });
  return names.find(name) == nullptr ? Member::other : Member::text;
}

void UsageScan::on_open(bool is_object) {
  const uint32_t depth = reader_.depth();
  if (member_ == Member::error) has_error_ = true;
  const bool needs_object = member_ == Member::usage || member_ == Member::answer;
  const bool is_name = member_ == Member::model || member_ == Member::service_tier ||
                       member_ == Member::type || member_ == Member::error;
  if (depth >= places_.size() || is_name || (needs_object && !is_object)) {
    reader_.skip();
    return;
  }
  switch (member_) {
    case Member::usage:
      in_usage_ = true;
      usage_reader_.begin(reader_);
      break;
    case Member::answer:
      places_[depth] = Place::answer;
      break;
    case Member::text:
      places_[depth] = Place::text;
      break;
    default:  // the document itself, or an element of an array: the other members are skipped
      places_[depth] = depth == 1 ? Place::top : places_[depth - 1];
      break;
  }
}

void UsageScan::on_string() {
  const std::string_view text = reader_.is_text_whole() ? reader_.text() : std::string_view();
  switch (member_) {
    case Member::text:
      document_text_bytes_ += reader_.raw_bytes();
      break;
    case Member::model:
      if (!reader_.is_text_whole()) break;
      std::copy(text.begin(), text.end(), model_.begin());
      model_bytes_ = static_cast<uint16_t>(text.size());
      break;
    case Member::service_tier:
      service_tier_ = service_tier_of(text);
      break;
    case Member::type:
      if (places_[reader_.depth()] == Place::top) on_type(text);
      break;
    case Member::error:
      has_error_ = true;
      break;
    default:
      break;
  }
}

void UsageScan::on_type(std::string_view type) {
  constexpr std::string_view finals[] = {"response.completed",
                                         "response.incomplete",
                                         "response.done",
                                         "message_stop",
                                         "image_generation.completed",
                                         "image_edit.completed",
                                         "speech.audio.done",
                                         "transcript.text.done"};
  kind_ = Kind::other;
  if (type == "message_delta") {
    kind_ = Kind::message_delta;
  } else if (type == "error" || type == "response.failed") {
    kind_ = Kind::failed;
  } else if (type.ends_with("audio.delta")) {
    kind_ = Kind::base64;
  } else if (std::find(std::begin(finals), std::end(finals), type) != std::end(finals)) {
    kind_ = Kind::final;
  }
}

}  // namespace openai
