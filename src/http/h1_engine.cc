#include "http/h1_engine.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/check.h"
#include "http/chars.h"
#include "http/field_lines.h"

namespace http {
namespace {

constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view line_end = "\r\n";
// What llhttp gets in place of all that a head says of its framing.
constexpr std::string_view chunked_line = "Transfer-Encoding: chunked\r\n";

}  // namespace

// Bytes of our own making, for the parts we read ourselves.
void H1Parser::Engine::prime(std::string_view text) {
  CHECK(llhttp_execute(&llhttp, text.data(), text.size()) == HPE_OK);
}

// What it makes of `text`; `used` tells how much it took.
H1Parser::Engine::Outcome H1Parser::Engine::execute(std::string_view text, size_t& used) {
  slice = text.data();
  const llhttp_errno_t result = llhttp_execute(&llhttp, slice, text.size());
  used = text.size();
  if (result == HPE_OK) return Outcome::more;
  if (result != HPE_PAUSED) {
    if (error.why.empty()) error = {400, llhttp_get_error_reason(&llhttp)};
    return Outcome::failed;
  }
  used = static_cast<size_t>(llhttp_get_error_pos(&llhttp) - slice);
  llhttp_resume(&llhttp);
  return Outcome::complete;
}

// Bytes that are counted already, or of our own.
H1Parser::Engine::Outcome H1Parser::Engine::feed(std::string_view text) {
  size_t used = 0;
  return execute(text, used);
}

// Takes up to `left` bytes of the section llhttp is in.
H1Parser::Engine::Outcome H1Parser::Engine::run(base::Bytes& input) {
  if (input.empty()) return Outcome::more;
  size_t used = 0;
  const Outcome outcome = execute(base::as_text(input).substr(0, left), used);
  if (outcome == Outcome::failed) return outcome;
  drop(input, used);
  offset += used;
  left -= used;
  if (outcome == Outcome::complete || left > 0) return outcome;
  error = in_trailers ? H1Error{431, "the trailer section is too large"}
                      : H1Error{431, "the head is too large"};
  return Outcome::failed;
}

// The rest of a head. Mostly it comes whole: then it is copied once, and names and values are
// views of the copy; else its lines are put together one by one.
H1Parser::Engine::Outcome H1Parser::Engine::run_head(base::Bytes& input) {
  const std::string_view text = base::as_text(input).substr(0, left);
  const size_t end = start_line == StartLine::open ? text.find(head_end) : std::string_view::npos;
  if (end == std::string_view::npos) return run_head_in_pieces(input);
  const size_t start_line_bytes = text.find('\r') + line_end.size();
  if (text[start_line_bytes - 1] != '\n') return run_head_in_pieces(input);
  const std::string_view copy = arena->copy(text.substr(0, end + head_end.size()));
  const std::string_view lines =
      copy.substr(start_line_bytes, copy.size() - start_line_bytes - line_end.size());
  base::Bytes copied = base::as_bytes(copy);
  is_slice_kept = true;
  const bool is_plain = split_plain_fields(lines, limits.fields_max, head->fields);
  const Outcome outcome =
      is_plain ? run_beside_fields(copied.first(start_line_bytes)) : run_head_in_pieces(copied);
  is_slice_kept = false;
  drop(input, is_plain ? copy.size() : copy.size() - copied.size());
  return outcome;
}

// Where the fields are plain, llhttp sees of them the coding alone.
H1Parser::Engine::Outcome H1Parser::Engine::run_beside_fields(base::Bytes first_line) {
  const Outcome outcome = run(first_line);
  if (outcome != Outcome::more) return outcome;
  for (const Field& field : head->fields)
    take_coding(field);
  return feed(line_end);
}

// A head that does not come whole, or not plain. Of its start line we read the end ourselves:
// llhttp takes CR CR for the end of a status line, and what is behind it for a field.
H1Parser::Engine::Outcome H1Parser::Engine::run_head_in_pieces(base::Bytes& input) {
  if (start_line == StartLine::open) {
    const size_t cr = base::as_text(input).find('\r');
    if (cr == std::string_view::npos) return run(input);
    const Outcome outcome = run_first(input, cr + 1);
    if (outcome != Outcome::more) return outcome;
    start_line = StartLine::at_cr;
  }
  if (input.empty()) return Outcome::more;
  if (start_line == StartLine::at_cr) {
    if (base::as_text(input).front() != '\n') {
      error = {400, "a bare CR in the start line"};
      return Outcome::failed;
    }
    const Outcome outcome = run_first(input, 1);
    if (outcome != Outcome::more) return outcome;
    start_line = StartLine::complete;
  }
  return run_lines(input);
}

H1Parser::Engine::Outcome H1Parser::Engine::run_first(base::Bytes& input, size_t count) {
  base::Bytes first = input.first(count);
  const Outcome outcome = run(first);
  drop(input, count - first.size());
  return outcome;
}

// The fields of such a head, and the empty line behind them.
H1Parser::Engine::Outcome H1Parser::Engine::run_lines(base::Bytes& input) {
  while (!input.empty() && !is_line_bad) {
    const std::string_view text = base::as_text(input).substr(0, left);
    const size_t line_feed = text.find('\n');
    const bool is_whole = line_feed != std::string_view::npos;
    const std::string_view piece = is_whole ? text.substr(0, line_feed + 1) : text;
    line = arena->append(line, piece);
    drop(input, piece.size());
    left -= piece.size();
    if (is_whole || !may_go_on(piece)) {
      const Outcome outcome = run_line(is_whole);
      if (outcome != Outcome::more) return outcome;
    }
    if (left > 0) continue;
    error = {431, "the head is too large"};
    return Outcome::failed;
  }
  if (!is_line_bad) return Outcome::more;
  const Outcome outcome = run(input);
  return outcome == Outcome::complete ? refuse_line() : outcome;
}

// Whether the line that `piece` is the continuation of may still turn out plain: who sends
// anything else is told at once.
bool H1Parser::Engine::may_go_on(std::string_view piece) {
  for (const char c : piece) {
    if (line_part == LinePart::end) return false;
    if (c == '\r') {
      if (line_part == LinePart::name) return false;
      line_part = LinePart::end;
    } else if (line_part == LinePart::value) {
      if (!is_field_text({&c, 1})) return false;
    } else if (c == ':' && line_part == LinePart::name) {
      line_part = LinePart::value;
    } else {
      if (!is_token_char(c)) return false;
      line_part = LinePart::name;
    }
  }
  return true;
}

H1Parser::Engine::Outcome H1Parser::Engine::run_line(bool is_whole) {
  const std::string_view taken = std::exchange(line, {});
  line_part = LinePart::begin;
  if (is_whole && taken == line_end) return feed(line_end);
  if (!is_whole || !split_plain_fields(taken, 1, head->fields)) {
    is_line_bad = true;
    const Outcome outcome = feed(taken);
    return outcome == Outcome::complete ? refuse_line() : outcome;
  }
  if (++fields > limits.fields_max) {
    error = {431, "too many fields"};
    return Outcome::failed;
  }
  take_coding(head->fields.back());
  return Outcome::more;
}

// llhttp finds the reason; should it find none, the line is refused all the same.
H1Parser::Engine::Outcome H1Parser::Engine::refuse_line() {
  error = {400, "malformed field line"};
  return Outcome::failed;
}

// What it needs to read chunks. Anything else that is said about the framing we judge alone.
void H1Parser::Engine::take_coding(const Field& field) {
  const bool is_first = field.id == FieldId::transfer_encoding && !is_coding_taken;
  if (!is_first || !equals_ignoring_case(field.value, "chunked")) return;
  is_coding_taken = true;
  prime(chunked_line);
}

// `text`, of which `more` of the slice is the continuation, in memory that lasts.
std::string_view H1Parser::Engine::keep(std::string_view text, std::string_view more) const {
  return is_slice_kept && text.empty() ? more : arena->append(text, more);
}

void H1Parser::Engine::enter_trailers() {
  in_trailers = true;
  left = limits.head_bytes_max;
  fields = 0;
}

int H1Parser::Engine::refuse(H1Error why) {
  error = why;
  return HPE_USER;
}

int H1Parser::Engine::on_version(std::string_view text) {
  // llhttp skips spaces before the protocol's name.
  if (!in_version && offset + static_cast<size_t>(text.data() - slice) != protocol_name.size()) {
    return refuse({400, "more than one space in the request line"});
  }
  in_version = true;
  return 0;
}

int H1Parser::Engine::on_version_complete() {
  if (llhttp.http_major == 2) return refuse({505, "HTTP/2 is not spoken here"});
  if (llhttp.http_major != 1) return refuse({400, "unknown HTTP version"});
  head->version_minor = llhttp.http_minor;
  return 0;
}

int H1Parser::Engine::on_reason(std::string_view text) const {
  head->reason = keep(head->reason, text);
  return 0;
}

// Of trailers: those of a head are read before llhttp sees any.
int H1Parser::Engine::on_name(std::string_view text) {
  if (!in_trailers) return 0;
  std::vector<Field>& list = head->trailers;
  if (!in_field) {
    list.emplace_back();
    in_field = true;
  }
  list.back().name = arena->append(list.back().name, text);
  return 0;
}

int H1Parser::Engine::on_value(std::string_view text) const {
  if (!in_trailers) return 0;
  Field& field = head->trailers.back();
  field.value = arena->append(field.value, text);
  return 0;
}

int H1Parser::Engine::on_value_complete() {
  if (!in_trailers) return 0;
  std::vector<Field>& list = head->trailers;
  Field& field = list.back();
  field.value = without_trailing_space(field.value);
  field.id = field_id(field.name);
  if (is_forbidden_trailer(field.id)) list.pop_back();
  in_field = false;
  // Counted at its end, so that how the bytes were cut does not decide which error is seen first.
  return ++fields > limits.fields_max ? refuse({431, "too many fields"}) : 0;
}

int H1Parser::Engine::on_extension_name(std::string_view text) {
  in_extension_name |= !text.empty();
  return 0;
}

// llhttp takes an extension for one that has no name (RFC 9112 7.1.1).
int H1Parser::Engine::on_extension_name_complete() {
  const bool has_name = std::exchange(in_extension_name, false);
  return has_name ? 0 : refuse({400, "a chunk extension without a name"});
}

llhttp_settings_t H1Parser::Engine::make_settings() {
  llhttp_settings_t made;
  llhttp_settings_init(&made);
  made.on_version = data<&Engine::on_version>;
  made.on_version_complete = mark<&Engine::on_version_complete>;
  made.on_status = data<&Engine::on_reason>;
  made.on_header_field = data<&Engine::on_name>;
  made.on_header_value = data<&Engine::on_value>;
  made.on_header_value_complete = mark<&Engine::on_value_complete>;
  made.on_headers_complete = pause;
  made.on_chunk_header = pause;
  made.on_chunk_extension_name = data<&Engine::on_extension_name>;
  made.on_chunk_extension_name_complete = mark<&Engine::on_extension_name_complete>;
  made.on_message_complete = pause;
  return made;
}

const llhttp_settings_t H1Parser::Engine::settings = H1Parser::Engine::make_settings();

}  // namespace http
