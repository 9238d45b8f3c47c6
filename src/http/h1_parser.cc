#include "http/h1_parser.h"

#include <algorithm>
#include <new>
#include <type_traits>
#include <utility>

#include <llhttp.h>

#include "base/check.h"
#include "http/chars.h"
#include "http/field_lines.h"

// llhttp sees versions, status lines, fields, chunk size lines and trailers; of a head's plain
// fields those alone that decide the framing. Methods and targets we read ourselves, as it has a
// list of methods and refuses targets with an eighth bit; bodies we count ourselves. It is paused
// after each section, and never given more bytes than one may have, which bounds what it does not
// report (white space, leading zeros, chunk extensions). Its lenient flags are all off.
namespace http {
namespace {

constexpr size_t empty_line_bytes_max = 8;
constexpr size_t method_bytes_max = 64;
constexpr size_t chunk_line_bytes_max = 1024;  // a size, extensions, and the CRLF before it
constexpr std::string_view protocol_name = "HTTP/";
constexpr std::string_view head_end = "\r\n\r\n";
constexpr std::string_view line_end = "\r\n";
// What llhttp gets in place of every method and target; of its methods one that RTSP has not.
constexpr std::string_view stand_in = "PUT / ";

void drop(base::Bytes& input, size_t count) {
  input = input.subspan(count);
}

}  // namespace

struct H1Parser::Engine {
  enum class Outcome : uint8_t { more, complete, failed };
  enum class StartLine : uint8_t { open, at_cr, complete };

  Engine(Role role, const H1Limits& given_limits, Head& message, base::Arena& memory)
      : limits(given_limits), head(&message), arena(&memory), left(given_limits.head_bytes_max) {
    llhttp_init(&llhttp, role == Role::request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    llhttp.data = this;
  }

  // Bytes of our own making, for the parts we read ourselves.
  void prime(std::string_view text) {
    CHECK(llhttp_execute(&llhttp, text.data(), text.size()) == HPE_OK);
  }

  // Takes up to `left` bytes of the section llhttp is in.
  Outcome run(base::Bytes& input) {
    if (input.empty()) return Outcome::more;
    const size_t given = std::min(input.size(), left);
    slice = base::as_text(input).data();
    const llhttp_errno_t result = llhttp_execute(&llhttp, slice, given);
    size_t used = given;
    if (result == HPE_PAUSED) {
      used = static_cast<size_t>(llhttp_get_error_pos(&llhttp) - slice);
      llhttp_resume(&llhttp);
    } else if (result != HPE_OK) {
      if (error.why.empty()) error = {400, llhttp_get_error_reason(&llhttp)};
      return Outcome::failed;
    }
    drop(input, used);
    offset += used;
    left -= used;
    if (result == HPE_PAUSED) return Outcome::complete;
    if (left > 0) return Outcome::more;
    error = in_trailers ? H1Error{431, "the trailer section is too large"}
                        : H1Error{431, "the head is too large"};
    return Outcome::failed;
  }

  // The rest of a head. Mostly it comes whole: then it is copied once, and names and values are
  // views of the copy; else each is put together from its fragments.
  Outcome run_head(base::Bytes& input) {
    const std::string_view text = base::as_text(input).substr(0, left);
    const size_t end = in_version ? std::string_view::npos : text.find(head_end);
    if (end == std::string_view::npos) return run_head_in_pieces(input);
    const size_t start_line_bytes = text.find('\r') + line_end.size();
    if (text[start_line_bytes - 1] != '\n') return run_head_in_pieces(input);
    const std::string_view copy = arena->copy(text.substr(0, end + head_end.size()));
    const std::string_view lines =
        copy.substr(start_line_bytes, copy.size() - start_line_bytes - line_end.size());
    base::Bytes copied = base::as_bytes(copy);
    is_slice_kept = true;
    are_fields_taken = split_plain_fields(lines, limits.fields_max, head->fields);
    const Outcome outcome =
        are_fields_taken ? run_beside_fields(copied, start_line_bytes) : run(copied);
    is_slice_kept = are_fields_taken = false;
    drop(input, copy.size() - copied.size());
    return outcome;
  }

  // A head that does not come whole. Of its start line we read the end ourselves: llhttp takes CR
  // CR for the end of a status line, and what is behind it for a field.
  Outcome run_head_in_pieces(base::Bytes& input) {
    if (start_line == StartLine::open) {
      const size_t cr = base::as_text(input).find('\r');
      if (cr == std::string_view::npos) return run(input);
      base::Bytes line = input.first(cr + 1);
      const Outcome outcome = run(line);
      drop(input, cr + 1 - line.size());
      if (outcome != Outcome::more) return outcome;
      start_line = StartLine::at_cr;
    }
    if (input.empty()) return Outcome::more;
    if (start_line == StartLine::at_cr) {
      if (base::as_text(input).front() != '\n') {
        error = {400, "a bare CR in the start line"};
        return Outcome::failed;
      }
      start_line = StartLine::complete;
    }
    return run(input);
  }

  // Where the fields are plain, llhttp sees of them those alone that matter to it.
  Outcome run_beside_fields(base::Bytes& text, size_t start_line_bytes) {
    const auto run_line = [this](base::Bytes line) {
      return run(line);
    };
    Outcome outcome = run_line(text.first(start_line_bytes));
    for (const Field& field : head->fields) {
      if (outcome != Outcome::more) return outcome;
      if (!concerns_llhttp(field.id)) continue;
      const std::string_view rest = base::as_text(text).substr(
          static_cast<size_t>(field.name.data() - base::as_text(text).data()));
      outcome = run_line(base::as_bytes(rest.substr(0, rest.find('\n') + 1)));
    }
    if (outcome != Outcome::more) return outcome;
    text = text.last(line_end.size());
    return run(text);
  }

  // `text`, of which `more` of the slice is the continuation, in memory that lasts.
  [[nodiscard]] std::string_view keep(std::string_view text, std::string_view more) const {
    return is_slice_kept && text.empty() ? more : arena->append(text, more);
  }

  void enter_trailers() {
    in_trailers = true;
    left = limits.head_bytes_max;
    fields = 0;
  }

  int refuse(H1Error why) {
    error = why;
    return HPE_USER;
  }

  int on_version(std::string_view text) {
    // llhttp skips spaces before the protocol's name.
    if (!in_version && offset + static_cast<size_t>(text.data() - slice) != protocol_name.size()) {
      return refuse({400, "more than one space in the request line"});
    }
    in_version = true;
    return 0;
  }

  int on_version_complete() {
    if (llhttp.http_major == 2) return refuse({505, "HTTP/2 is not spoken here"});
    if (llhttp.http_major != 1) return refuse({400, "unknown HTTP version"});
    head->version_minor = llhttp.http_minor;
    return 0;
  }

  [[nodiscard]] int on_reason(std::string_view text) const {
    head->reason = keep(head->reason, text);
    return 0;
  }

  int on_name(std::string_view text) {
    if (are_fields_taken) return 0;
    std::vector<Field>& list = in_trailers ? head->trailers : head->fields;
    if (!in_field) {
      list.emplace_back();
      in_field = true;
    }
    list.back().name = keep(list.back().name, text);
    return 0;
  }

  [[nodiscard]] int on_value(std::string_view text) const {
    if (are_fields_taken) return 0;
    Field& field = (in_trailers ? head->trailers : head->fields).back();
    field.value = keep(field.value, text);
    return 0;
  }

  int on_value_complete() {
    if (are_fields_taken) return 0;
    std::vector<Field>& list = in_trailers ? head->trailers : head->fields;
    Field& field = list.back();
    field.value = without_trailing_space(field.value);
    field.id = field_id(field.name);
    if (in_trailers && is_forbidden_trailer(field.id)) list.pop_back();
    in_field = false;
    // Counted at its end, so that how the bytes were cut does not decide which error is seen first.
    return ++fields > limits.fields_max ? refuse({431, "too many fields"}) : 0;
  }

  int on_extension_name(std::string_view text) {
    in_extension_name |= !text.empty();
    return 0;
  }

  // llhttp takes an extension for one that has no name (RFC 9112 7.1.1).
  int on_extension_name_complete() {
    const bool has_name = std::exchange(in_extension_name, false);
    return has_name ? 0 : refuse({400, "a chunk extension without a name"});
  }

  template <auto handler>
  static int data(llhttp_t* state, const char* at, size_t size) {
    return (static_cast<Engine*>(state->data)->*handler)({at, size});
  }
  template <auto handler>
  static int mark(llhttp_t* state) {
    return (static_cast<Engine*>(state->data)->*handler)();
  }
  static int pause(llhttp_t* /*state*/) { return HPE_PAUSED; }

  static llhttp_settings_t make_settings();
  static const llhttp_settings_t settings;

  llhttp_t llhttp;
  const H1Limits& limits;
  Head* head;
  base::Arena* arena;
  H1Error error;
  const char* slice = nullptr;  // what llhttp is reading, within run() only
  size_t left;                  // bytes the section may still have
  size_t offset = 0;            // of the slice from the first byte of the protocol's name
  size_t fields = 0;
  size_t start_bytes = 0;                  // in empty lines, or of the protocol's name
  StartLine start_line = StartLine::open;  // of a head in pieces
  bool answers_head = false;
  bool is_slice_kept = false;     // the slice is in the arena
  bool are_fields_taken = false;  // split_plain_fields() has done llhttp's work
  bool in_version = false;
  bool in_field = false;
  bool in_trailers = false;
  bool in_extension_name = false;
};

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

void H1Parser::begin(Head& head, base::Arena& arena, std::string_view request_method) {
  head.clear();
  static_assert(std::is_trivially_destructible_v<Engine>);
  engine_ =
      new (arena.allocate(sizeof(Engine), alignof(Engine))) Engine(role_, limits_, head, arena);
  engine_->answers_head = request_method == "HEAD";
  traits_ = {};
  error_ = {};
  begun_ = false;
  phase_ = Phase::start;
}

H1Event H1Parser::next(base::Bytes& input) {
  CHECK(phase_ != Phase::idle);
  for (;;) {
    const Phase before = phase_;
    const H1Event event = step(input);
    if (event.kind != H1Event::Kind::need_more || phase_ == before) return event;
  }
}

// One event, or a change of phase, or need_more.
H1Event H1Parser::step(base::Bytes& input) {
  switch (phase_) {
    case Phase::start:
      return role_ == Role::request ? read_start_of_request(input) : read_start_of_response(input);
    case Phase::target:
      return read_target(input);
    case Phase::head:
      switch (engine_->run_head(input)) {
        case Engine::Outcome::more:
          return {H1Event::Kind::need_more, {}};
        case Engine::Outcome::complete:
          return finish_head();
        case Engine::Outcome::failed:
          return fail(engine_->error);
      }
      break;
    case Phase::length:
      return read_body(input, Phase::ending);
    case Phase::chunk_line:
      return read_chunk_line(input);
    case Phase::chunk_data: {
      const H1Event event = read_body(input, Phase::chunk_line);
      if (event.kind == H1Event::Kind::body) {
        const std::string_view text = base::as_text(event.body);
        CHECK(llhttp_execute(&engine_->llhttp, text.data(), text.size()) == HPE_OK);
      }
      return event;
    }
    case Phase::trailers:
      switch (engine_->run(input)) {
        case Engine::Outcome::more:
          return {H1Event::Kind::need_more, {}};
        case Engine::Outcome::complete:
          break;
        case Engine::Outcome::failed:
          return fail(engine_->error);
      }
      [[fallthrough]];
    case Phase::ending:
      phase_ = Phase::idle;
      engine_ = nullptr;
      return {H1Event::Kind::end, {}};
    case Phase::until_close:
    case Phase::tunnel:
      body_left_ = UINT64_MAX;
      return read_body(input, phase_);
    case Phase::upgraded:
      return fail({400, "101 that was not asked for"});
    case Phase::failed:
      return {H1Event::Kind::error, {}};
    case Phase::idle:
      break;
  }
  CHECK(false);
}

// Up to the space behind the target. Before the method there may be a few empty lines (RFC
// 9112 2.2), which are nobody's message.
H1Event H1Parser::read_start_of_request(base::Bytes& input) {
  size_t& skipped = engine_->start_bytes;
  while (!begun_ && !input.empty()) {
    const bool is_within_line_end = skipped % 2 == 1;
    const char c = base::as_text(input).front();
    if (!is_within_line_end && c != '\r') {
      begun_ = true;
      break;
    }
    if (c != (is_within_line_end ? '\n' : '\r') || ++skipped > empty_line_bytes_max) {
      return fail({400, "malformed line before the request"});
    }
    drop(input, 1);
  }
  return read_method(input);
}

H1Event H1Parser::read_method(base::Bytes& input) {
  Engine& engine = *engine_;
  const std::string_view text = base::as_text(input);
  size_t size = 0;
  while (size < text.size() && is_token_char(text[size]))
    ++size;
  std::string_view& method = engine.head->method;
  method = engine.arena->append(method, text.substr(0, std::min(size, method_bytes_max + 1)));
  if (method.size() > method_bytes_max) return fail({400, "the method is too long"});
  if (size == text.size()) {
    drop(input, size);
    return {H1Event::Kind::need_more, {}};
  }
  if (text[size] != ' ' || method.empty()) return fail({400, "malformed method"});
  drop(input, size + 1);
  phase_ = Phase::target;
  return {H1Event::Kind::need_more, {}};
}

// Any bytes but white space and controls; its form is judged when the whole head is there.
H1Event H1Parser::read_target(base::Bytes& input) {
  Engine& engine = *engine_;
  const std::string_view text = base::as_text(input);
  size_t size = 0;
  while (size < text.size() && is_target_char(text[size]))
    ++size;
  std::string_view& target = engine.head->target;
  const size_t size_max = std::min(engine.limits.target_bytes_max, engine.limits.head_bytes_max);
  if (size > size_max - target.size()) return fail({414, "the request target is too long"});
  target = engine.arena->append(target, text.substr(0, size));
  if (size == text.size()) {
    drop(input, size);
    return {H1Event::Kind::need_more, {}};
  }
  if (text[size] == '\r' || text[size] == '\n') {
    return fail({400, "HTTP/0.9 is not served here"});
  }
  if (text[size] != ' ' || target.empty()) return fail({400, "malformed request line"});
  drop(input, size + 1);
  const size_t used = engine.head->method.size() + target.size() + 2;
  if (used >= engine.left) return fail({414, "the request target is too long"});
  engine.left -= used;
  engine.prime(stand_in);
  phase_ = Phase::head;
  return {H1Event::Kind::need_more, {}};
}

// llhttp would skip line breaks before a status line, and may know other protocols.
H1Event H1Parser::read_start_of_response(base::Bytes& input) {
  size_t& matched = engine_->start_bytes;
  while (!input.empty() && matched < protocol_name.size()) {
    begun_ = true;
    if (base::as_text(input).front() != protocol_name[matched]) return fail({400, "not HTTP"});
    ++matched;
    drop(input, 1);
  }
  if (matched == protocol_name.size()) {
    engine_->prime(protocol_name);
    engine_->offset = protocol_name.size();
    engine_->left -= protocol_name.size();
    phase_ = Phase::head;
  }
  return {H1Event::Kind::need_more, {}};
}

H1Event H1Parser::finish_head() {
  Engine& engine = *engine_;
  std::optional<H1Error> error;
  if (role_ == Role::request) {
    error = judge_request(*engine.head, traits_);
  } else {
    engine.head->status = engine.llhttp.status_code;
    error = judge_response(*engine.head, engine.answers_head, traits_);
  }
  if (error) return fail(*error);
  switch (traits_.framing.kind) {
    case Framing::Kind::none:
      phase_ = Phase::ending;
      break;
    case Framing::Kind::length:
      body_left_ = traits_.framing.length;
      phase_ = body_left_ > 0 ? Phase::length : Phase::ending;
      break;
    case Framing::Kind::chunked:
      // Ours and llhttp's idea of the same field must agree, or its chunk parser never starts.
      if ((engine.llhttp.flags & F_CHUNKED) == 0) return fail({400, "malformed Transfer-Encoding"});
      engine.left = chunk_line_bytes_max;
      phase_ = Phase::chunk_line;
      break;
    case Framing::Kind::until_close:
      phase_ = Phase::until_close;
      break;
    case Framing::Kind::tunnel:
      phase_ = Phase::upgraded;
      break;
  }
  return {H1Event::Kind::head, {}};
}

H1Event H1Parser::read_body(base::Bytes& input, Phase after) {
  if (input.empty()) return {H1Event::Kind::need_more, {}};
  const size_t count = static_cast<size_t>(std::min<uint64_t>(input.size(), body_left_));
  const base::Bytes body = input.first(count);
  drop(input, count);
  body_left_ -= count;
  if (body_left_ == 0) phase_ = after;
  return {H1Event::Kind::body, body};
}

H1Event H1Parser::read_chunk_line(base::Bytes& input) {
  Engine& engine = *engine_;
  switch (engine.run(input)) {
    case Engine::Outcome::more:
      break;
    case Engine::Outcome::complete:
      engine.left = chunk_line_bytes_max;
      body_left_ = engine.llhttp.content_length;
      if (body_left_ > INT64_MAX) return fail({400, "the chunk is too large"});
      phase_ = body_left_ > 0 ? Phase::chunk_data : Phase::trailers;
      if (body_left_ == 0) engine.enter_trailers();
      break;
    case Engine::Outcome::failed:
      if (engine.left == 0) return fail({400, "the chunk size line is too long"});
      return fail(engine.error);
  }
  return {H1Event::Kind::need_more, {}};
}

H1Event H1Parser::finish() {
  switch (phase_) {
    case Phase::ending:
    case Phase::until_close:
    case Phase::tunnel:
      phase_ = Phase::idle;
      engine_ = nullptr;
      return {H1Event::Kind::end, {}};
    case Phase::failed:
      return {H1Event::Kind::error, {}};
    case Phase::idle:
      return {H1Event::Kind::need_more, {}};
    case Phase::start:
      if (!begun_) return {H1Event::Kind::need_more, {}};
      break;
    default:
      break;
  }
  return fail({400, "the connection ended inside a message"});
}

void H1Parser::switch_to_tunnel() {
  CHECK(phase_ == Phase::idle || phase_ == Phase::upgraded);
  traits_.framing = {Framing::Kind::tunnel, 0};
  phase_ = Phase::tunnel;
}

H1Event H1Parser::fail(H1Error error) {
  error_ = error;
  phase_ = Phase::failed;
  return {H1Event::Kind::error, {}};
}

}  // namespace http
