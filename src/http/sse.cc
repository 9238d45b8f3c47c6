#include "http/sse.h"

namespace http {
namespace {

constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
constexpr size_t type_bytes_max = 256;

}  // namespace

bool SseSplitter::next(base::Bytes& input, SseEvent& event) {
  if (data_given_out_) {
    data_.clear();
    type_.clear();
    data_given_out_ = false;
  }
  while (!input.empty()) {
    std::string_view text = base::as_text(input);
    if (after_cr_) {
      after_cr_ = false;
      if (text.front() == '\n') {
        input = input.subspan(1);
        continue;
      }
    }
    const size_t size = text.find_first_of("\r\n");
    if (size == std::string_view::npos) {
      keep_line(text);
      input = {};
      return false;
    }
    after_cr_ = text[size] == '\r';
    input = input.subspan(size + 1);
    text = text.substr(0, size);
    bool is_event = false;
    if (line_.empty()) {
      is_event = end_line(text, text.size() > kept_bytes_max, event);
    } else {
      keep_line(text);
      is_event = end_line(line_, line_too_long_, event);
      line_.clear();
      line_too_long_ = false;
    }
    in_line_ = false;
    is_first_line_ = false;
    if (is_event) return true;
  }
  return false;
}

// Beyond the bound the rest of the line is dropped: its field's name is known by then.
void SseSplitter::keep_line(std::string_view part) {
  in_line_ = true;
  const size_t room = kept_bytes_max - line_.size();
  line_too_long_ |= part.size() > room;
  line_.append(part.substr(0, room));
}

// One line without its end (WHATWG HTML 9.2.6).
bool SseSplitter::end_line(std::string_view line, bool too_long, SseEvent& event) {
  if (is_first_line_ && line.starts_with(byte_order_mark)) {
    line.remove_prefix(byte_order_mark.size());
  }
  if (line.empty()) return dispatch(event);
  in_event_ = true;
  const size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? "" : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    too_large_ |= too_long;
    add_data(value);
  } else if (name == "event") {
    type_.assign(value.substr(0, type_bytes_max));
  }
  return false;
}

void SseSplitter::add_data(std::string_view value) {
  const bool is_first = !has_data_;
  has_data_ = true;
  too_large_ |= data_.size() + value.size() + 1 > kept_bytes_max;
  if (too_large_) {
    data_.clear();
    return;
  }
  if (!is_first) data_.push_back('\n');
  data_.append(value);
}

bool SseSplitter::dispatch(SseEvent& event) {
  in_event_ = false;
  const bool is_event = has_data_;
  has_data_ = false;
  const bool too_large = too_large_;
  too_large_ = false;
  if (!is_event) {
    data_.clear();
    type_.clear();
    return false;
  }
  ++events_;
  data_given_out_ = true;
  event = {type_.empty() ? std::string_view("message") : std::string_view(type_), data_, too_large};
  return true;
}

}  // namespace http
