#include "openai/event_data.h"

#include <cstring>

namespace openai {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr std::string_view field_name = "data";

size_t find(std::string_view text, char c) {
  const void* found = std::memchr(text.data(), c, text.size());
  return found == nullptr ? text.size()
                          : static_cast<size_t>(static_cast<const char*>(found) - text.data());
}

// Where the line's end is, or the text's. CR alone ends a line too; two looks by memchr are faster
// than one by a loop.
size_t find_line_end(std::string_view text) {
  return find(text.substr(0, find(text, '\n')), '\r');
}

}  // namespace

EventData::Step EventData::next(std::string_view& piece, std::string_view& part) {
  while (!piece.empty()) {
    if (after_cr_) {
      after_cr_ = false;
      if (piece.front() == '\n') {
        piece.remove_prefix(1);
        continue;
      }
    }
    if (state_ != State::data && state_ != State::other) {
      if (read_name(piece.front())) {
        piece.remove_prefix(1);
        continue;
      }
      if (state_ == State::data && has_data_) {
        part = "\n";
        return Step::data;
      }
      has_data_ |= state_ == State::data;
    }
    const size_t size = find_line_end(piece);
    if (size != 0 && state_ == State::data) {
      part = piece.substr(0, size);
      piece.remove_prefix(size);
      return Step::data;
    }
    piece.remove_prefix(size);
    if (piece.empty()) break;
    after_cr_ = piece.front() == '\r';
    piece.remove_prefix(1);
    if (end_line()) return Step::end;
  }
  return Step::none;
}

// The beginning of a line, up to its value. False where `c` is no part of that: the state then says
// what the line is.
bool EventData::read_name(char c) {
  switch (state_) {
    case State::byte_order_mark:
      if (c == byte_order_mark[matched_]) {
        if (++matched_ == byte_order_mark.size()) begin_line();
        return true;
      }
      if (matched_ != 0) break;
      state_ = State::name;
      [[fallthrough]];
    case State::name:
      if (matched_ < field_name.size() && c == field_name[matched_]) {
        ++matched_;
        return true;
      }
      if (matched_ != field_name.size()) break;
      if (c == ':') {
        state_ = State::value;
        return true;
      }
      if (c != '\n' && c != '\r') break;
      state_ = State::data;  // without a value
      return false;
    case State::value:
      if (c == ' ') {
        state_ = State::spaced_value;
        return true;
      }
      [[fallthrough]];
    default:  // State::spaced_value
      state_ = State::data;
      return false;
  }
  // Of a blank line nothing has come when its end does.
  is_blank_ = matched_ == 0 && (c == '\n' || c == '\r');
  state_ = State::other;
  return false;
}

void EventData::begin_line() {
  state_ = State::name;
  matched_ = 0;
}

// True where the line was the blank one that ends an event.
bool EventData::end_line() {
  const bool ends_event = is_blank_ && in_event_;
  in_event_ = !is_blank_;
  is_blank_ = false;
  if (!in_event_) has_data_ = false;
  begin_line();
  return ends_event;
}

}  // namespace openai
