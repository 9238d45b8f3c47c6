#pragma once

// What must hold for any bytes given to H1Parser; the request and the response target share it.

#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>

#include "http/chars.h"
#include "http/h1_parser.h"
#include "http/h1_writer.h"
#include "http/target.h"
#include "unit/http/h1_transcript.h"

namespace h1_check {

inline void require(bool holds) {
  if (!holds) std::abort();
}

// However the bytes are cut, the same events come out. Cuts follow from the bytes, so that a corpus
// file is nothing but a message.
inline void same_events_however_cut(std::string_view bytes,
                                    const http_test::TranscriptOptions& options) {
  const std::string seen = http_test::transcribe(bytes, options, http_test::whole);
  std::minstd_rand random(static_cast<uint32_t>(std::hash<std::string_view>()(bytes)));
  for (const size_t longest : {size_t{1}, size_t{3}, size_t{40}}) {
    require(http_test::transcribe(bytes, options, [&](size_t) { return 1 + random() % longest; }) ==
            seen);
  }
}

inline void no_line_breaks(const std::vector<http::Field>& fields) {
  for (const http::Field& field : fields) {
    require(http::is_token(field.name) && http::is_field_text(field.value));
    require(!field.value.starts_with(' ') && !field.value.ends_with(' '));
    require(field.id == http::field_id(field.name));
  }
}

// A head as the proxy would send it on: ours are the framing and Connection.
inline void remove_what_we_write(http::Head& head) {
  for (const std::string_view name : {"Connection", "Content-Length", "Transfer-Encoding"}) {
    head.remove(name);
  }
}

inline void same_fields(const http::Head& sent, const http::Head& read) {
  require(read.fields.size() >= sent.fields.size() && read.fields.size() <= sent.fields.size() + 1);
  for (size_t i = 0; i < sent.fields.size(); ++i) {
    require(read.fields[i].name == sent.fields[i].name);
    require(read.fields[i].value == sent.fields[i].value);
  }
}

// Every head that is accepted is written, read back, and is the same.
class RoundTrip {
 public:
  explicit RoundTrip(const http_test::TranscriptOptions& options)
      : options_(options), parser_(options.role, {}) {}

  void run(std::string_view bytes) {
    base::Bytes input = base::as_bytes(bytes);
    parser_.begin(head_, arena_, options_.request_method);
    for (;;) {
      const http::H1Event event = parser_.next(input);
      if (event.kind == http::H1Event::Kind::head) check_head();
      if (event.kind == http::H1Event::Kind::body) check_body(event.body);
      if (event.kind == http::H1Event::Kind::end) {
        no_line_breaks(head_.trailers);
        if (!parser_.keep_alive()) return;
        arena_.reset();
        parser_.begin(head_, arena_, options_.request_method);
      }
      if (event.kind == http::H1Event::Kind::need_more ||
          event.kind == http::H1Event::Kind::error) {
        return;
      }
      if (parser_.framing().kind == http::Framing::Kind::tunnel) return;
    }
  }

 private:
  void check_body(base::Bytes body) {
    require(!body.empty());
    const auto kind = parser_.framing().kind;
    require(kind != http::Framing::Kind::none);
    if (kind == http::Framing::Kind::length) {
      left_ -= body.size();
      require(left_ <= parser_.framing().length);
    }
  }

  void check_head() {
    no_line_breaks(head_.fields);
    left_ = parser_.framing().length;
    http::Head sent = head_;
    remove_what_we_write(sent);
    const bool is_request = options_.role == http::H1Parser::Role::request;
    if (is_request) sent.target = http::origin_form(sent.method, sent.target, arena_);
    const http::Framing framing = parser_.framing();
    if (framing.kind == http::Framing::Kind::tunnel) return;
    const base::Bytes written =
        is_request ? write_request_head(sent, framing, http::ConnectionOption::none, arena_)
                   : write_response_head(sent, framing, http::ConnectionOption::none, arena_);
    read_back(sent, framing, written);
  }

  void read_back(const http::Head& sent, http::Framing framing, base::Bytes written) {
    http::Head read;
    base::Arena arena;
    http::H1Parser parser(options_.role, {1 << 20, 1000, 1 << 20});
    parser.begin(read, arena, options_.request_method);
    const http::H1Event event = parser.next(written);
    // What only an HTTP/1.0 request may lack.
    if (head_.version_minor == 0 && sent.find(http::FieldId::host) == nullptr) return;
    require(event.kind == http::H1Event::Kind::head && written.empty());
    require(read.method == sent.method && read.target == sent.target);
    require(read.status == sent.status);
    require(sent.reason.empty() || read.reason == sent.reason);
    same_fields(sent, read);
    const bool is_open =
        framing.kind == http::Framing::Kind::none || read.fields.size() != sent.fields.size() + 1;
    require(parser.framing() == framing || is_open);
  }

  http_test::TranscriptOptions options_;
  http::H1Parser parser_;
  http::Head head_;
  base::Arena arena_;
  uint64_t left_ = 0;
};

}  // namespace h1_check
