#include "bench/load/response_reader.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "base/parse_number.h"
#include "http/chars.h"
#include "http/head.h"

namespace bench::load {
namespace {

// Of a chunk's size line with its extensions, or of one trailer.
constexpr uint32_t line_bytes_max = 8 * 1024;
constexpr unsigned hex_digits_max = 15;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

}  // namespace

void ResponseReader::begin() {
  state_ = State::head;
  left_ = 0;
  line_bytes_ = 0;
  has_length_ = is_chunked_ = is_event_stream_ = after_cr_ = false;
}

ResponseReader::Event ResponseReader::next(base::Bytes& input) {
  while (true) {
    switch (state_) {
      case State::head:
        return read_head(input);
      case State::ending:
        state_ = State::done;
        return {Kind::end, {}};
      case State::length:
        return read_body(input, State::ending);
      case State::chunk_data:
        return read_body(input, State::chunk_close);
      case State::until_close: {
        if (input.empty()) return {Kind::need_more, {}};
        const Event event{Kind::body, input};
        input = {};
        return event;
      }
      case State::done:
      case State::failed:
        return input.empty() && state_ == State::done ? Event{Kind::need_more, {}} : fail();
      default:
        if (!skip_chunk_framing(input)) {
          return {state_ == State::failed ? Kind::error : Kind::need_more, {}};
        }
        break;
    }
  }
}

ResponseReader::Event ResponseReader::fail() {
  state_ = State::failed;
  return {Kind::error, {}};
}

// Head.

ResponseReader::Event ResponseReader::read_head(base::Bytes& input) {
  constexpr std::string_view head_end = "\r\n\r\n";
  while (!input.empty()) {
    const std::string_view text = base::as_text(input);
    std::string_view head;
    size_t used = 0;
    if (partial_.empty()) {
      const void* found = memmem(text.data(), text.size(), head_end.data(), head_end.size());
      if (found != nullptr) {
        used = static_cast<size_t>(static_cast<const char*>(found) - text.data()) + head_end.size();
        head = text.substr(0, used);
      }
    } else {
      const size_t before = partial_.size();
      partial_.append(text);
      const size_t from = before - std::min(before, head_end.size() - 1);
      const size_t found = partial_.find(head_end, from);
      if (found != std::string::npos) {
        used = found + head_end.size() - before;
        head = std::string_view(partial_).substr(0, found + head_end.size());
      }
    }
    if (head.empty()) {
      if (partial_.empty()) partial_ = text;
      input = {};
      if (partial_.size() > head_bytes_max) return fail();
      return {Kind::need_more, {}};
    }
    input = input.subspan(used);
    const bool parsed = head.size() <= head_bytes_max && parse_head(head);
    std::string().swap(partial_);
    if (!parsed || status_ == 101) return fail();
    if (status_ < 200) {
      begin();
      continue;
    }
    start_body();
    return {Kind::head, {}};
  }
  return {Kind::need_more, {}};
}

bool ResponseReader::parse_head(std::string_view head) {
  head.remove_suffix(2);  // the empty line
  bool is_first = true;
  while (!head.empty()) {
    const size_t end = head.find('\n');
    if (end == 0 || end == std::string_view::npos || head[end - 1] != '\r') return false;
    const std::string_view line = head.substr(0, end - 1);
    if (is_first ? !parse_status_line(line) : !parse_field(line)) return false;
    is_first = false;
    head.remove_prefix(end + 1);
  }
  // What is delimited twice could be read in two ways (RFC 9112 6.3).
  return !(has_length_ && is_chunked_);
}

bool ResponseReader::parse_status_line(std::string_view line) {
  // "HTTP/1.1 200 OK"; the reason may be empty, some leave out the space before it too.
  if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ') return false;
  if (line[7] != '0' && line[7] != '1') return false;
  if (!base::is_digit(line[9]) || !base::is_digit(line[10]) || !base::is_digit(line[11]))
    return false;
  if (line.size() > 12 && line[12] != ' ') return false;
  status_ = (line[9] - '0') * 100 + (line[10] - '0') * 10 + (line[11] - '0');
  keep_alive_ = line[7] == '1';
  return status_ >= 100 && status_ < 600;
}

bool ResponseReader::parse_field(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view name = line.substr(0, colon);
  // All names of interest begin so, most others do not.
  const char first = base::to_lower(name.front());
  if (first != 'c' && first != 't') return true;
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (http::equals_ignoring_case(name, "content-length")) return parse_length(value);
  if (http::equals_ignoring_case(name, "transfer-encoding")) {
    is_chunked_ = http::equals_ignoring_case(value, "chunked");
    return is_chunked_;
  }
  if (http::equals_ignoring_case(name, "content-type")) {
    is_event_stream_ =
        http::equals_ignoring_case(trimmed(value.substr(0, value.find(';'))), "text/event-stream");
  }
  if (http::equals_ignoring_case(name, "connection")) {
    http::for_each_list_element(value, [this](std::string_view option) {
      if (http::equals_ignoring_case(option, "close")) keep_alive_ = false;
      if (http::equals_ignoring_case(option, "keep-alive")) keep_alive_ = true;
      return true;
    });
  }
  return true;
}

bool ResponseReader::parse_length(std::string_view value) {
  const auto length = base::parse_number<uint64_t>(value);
  if (!length || (has_length_ && *length != left_)) return false;
  has_length_ = true;
  left_ = *length;
  return true;
}

void ResponseReader::start_body() {
  if (status_ == 204 || status_ == 304) {
    state_ = State::ending;
  } else if (is_chunked_) {
    left_ = 0;
    state_ = State::chunk_size;
  } else if (has_length_) {
    state_ = left_ == 0 ? State::ending : State::length;
  } else {
    keep_alive_ = false;
    state_ = State::until_close;
  }
}

// Body.

ResponseReader::Event ResponseReader::read_body(base::Bytes& input, State after) {
  if (input.empty()) return {Kind::need_more, {}};
  const size_t size = static_cast<size_t>(std::min<uint64_t>(left_, input.size()));
  const Event event{Kind::body, input.first(size)};
  input = input.subspan(size);
  left_ -= size;
  if (left_ == 0) state_ = after;
  return event;
}

bool ResponseReader::skip_chunk_framing(base::Bytes& input) {
  const std::string_view text = base::as_text(input);
  size_t used = 0;
  while (used < text.size()) {
    if (!take_framing_byte(text[used++])) {
      state_ = State::failed;
      return false;
    }
    if (state_ == State::chunk_data || state_ == State::ending) {
      input = input.subspan(used);
      return true;
    }
  }
  input = {};
  return false;
}

bool ResponseReader::take_framing_byte(char byte) {
  if (++line_bytes_ > line_bytes_max) return false;
  if (after_cr_) {
    if (byte != '\n') return false;
    after_cr_ = false;
    const uint32_t line = line_bytes_ - 2;
    line_bytes_ = 0;
    if (state_ == State::chunk_close) {
      state_ = State::chunk_size;
    } else if (state_ == State::trailers) {
      if (line == 0) state_ = State::ending;
    } else {
      state_ = left_ > 0 ? State::chunk_data : State::trailers;
    }
    return true;
  }
  if (byte == '\r') {
    after_cr_ = true;
    return state_ != State::chunk_size || line_bytes_ > 1;
  }
  if (byte == '\n' || state_ == State::chunk_close) return false;
  return state_ != State::chunk_size || take_size_byte(byte);
}

bool ResponseReader::take_size_byte(char byte) {
  const int digit = base::hex_value(byte);
  if (digit < 0) {
    state_ = State::chunk_line;
    return line_bytes_ > 1 && (byte == ';' || byte == ' ' || byte == '\t');
  }
  left_ = left_ * 16 + static_cast<uint64_t>(digit);
  return line_bytes_ <= hex_digits_max;
}

}  // namespace bench::load
