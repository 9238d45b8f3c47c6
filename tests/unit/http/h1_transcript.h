#pragma once

// Runs H1Parser over bytes cut in pieces and writes down its events, so that two ways of cutting
// can be compared. Used by the parser's tests and fuzz targets.

#include <algorithm>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/h1_parser.h"

namespace http_test {

struct TranscriptOptions {
  http::H1Parser::Role role = http::H1Parser::Role::request;
  http::H1Limits limits;
  std::string_view request_method;  // what a response answers
  bool take_upgrade = true;         // switch_to_tunnel() where the message wants it
  bool input_ends = true;           // finish() after the last piece
};

// The size of the next piece, given how many bytes are left; at least 1.
using Cut = std::function<size_t(size_t left)>;

inline std::string fields_text(const std::vector<http::Field>& fields) {
  std::string text = "[";
  for (const http::Field& field : fields) {
    if (text.size() > 1) text += "|";
    text.append(field.name).append("=").append(field.value);
  }
  return text + "]";
}

inline std::string framing_text(http::Framing framing) {
  switch (framing.kind) {
    case http::Framing::Kind::none:
      return "none";
    case http::Framing::Kind::length:
      return "length=" + std::to_string(framing.length);
    case http::Framing::Kind::chunked:
      return "chunked";
    case http::Framing::Kind::until_close:
      return "until_close";
    case http::Framing::Kind::tunnel:
      return "tunnel";
  }
  return "?";
}

// One parser, the messages it reads, and what was written down.
class TranscriptRun {
 public:
  explicit TranscriptRun(const TranscriptOptions& options)
      : options_(options), parser_(options.role, options.limits) {
    begin();
  }

  void feed(std::string_view piece) {
    // On the heap at its exact size: a sanitizer sees a view kept longer than the call.
    const std::vector<char> copy(piece.begin(), piece.end());
    base::Bytes input = base::as_bytes({copy.data(), copy.size()});
    while (!done_) {
      const http::H1Event event = parser_.next(input);
      if (event.kind == http::H1Event::Kind::need_more) break;
      note(event);
    }
    if (!done_ && !input.empty()) text_ += "UNREAD";
  }

  void finish() {
    if (done_) return;
    const bool begun = parser_.message_begun();
    const http::H1Event event = parser_.finish();
    if (event.kind == http::H1Event::Kind::need_more && begun) text_ += "FORGOTTEN";
    if (event.kind != http::H1Event::Kind::need_more) note(event);
  }

  [[nodiscard]] bool is_done() const { return done_; }
  [[nodiscard]] std::string take_text() { return std::move(text_); }

 private:
  void begin() {
    head_ = std::make_unique<http::Head>();
    arena_ = std::make_unique<base::Arena>();
    parser_.begin(*head_, *arena_, options_.request_method);
    in_body_ = false;
  }

  void note(const http::H1Event& event) {
    if (event.kind == http::H1Event::Kind::body) {
      if (!in_body_) add("'");
      if (in_body_) text_.pop_back();
      in_body_ = true;
      text_.append(base::as_text(event.body)).append("'");
      return;
    }
    switch (event.kind) {
      case http::H1Event::Kind::head:
        add(head_text());
        head_seen_ = head_text();
        if (parser_.framing().kind == http::Framing::Kind::tunnel && options_.take_upgrade) {
          parser_.switch_to_tunnel();
        }
        break;
      case http::H1Event::Kind::end:
        end_message();
        break;
      case http::H1Event::Kind::error:
        add("!" + std::to_string(parser_.error().status) + " ");
        text_.append(parser_.error().why);
        done_ = true;
        break;
      default:
        break;
    }
  }

  void end_message() {
    add("end");
    if (!head_->trailers.empty()) text_ += " " + fields_text(head_->trailers);
    if (head_text() != head_seen_) text_ += " CHANGED";
    if (options_.role == http::H1Parser::Role::request && parser_.wants_upgrade() &&
        options_.take_upgrade && parser_.framing().kind != http::Framing::Kind::tunnel) {
      parser_.switch_to_tunnel();
      head_seen_ = head_text();
      in_body_ = false;
    } else if (parser_.keep_alive() && parser_.framing().kind != http::Framing::Kind::tunnel) {
      begin();
    } else {
      done_ = true;
    }
  }

  void add(std::string_view event) {
    if (!text_.empty()) text_ += "; ";
    text_ += event;
  }

  std::string head_text() const {
    std::string text;
    if (options_.role == http::H1Parser::Role::request) {
      text.append(head_->method).append(" ").append(head_->target);
    } else {
      text.append(std::to_string(head_->status)).append(" ").append(head_->reason);
    }
    text += " 1." + std::to_string(head_->version_minor) + " " + fields_text(head_->fields) + " " +
            framing_text(parser_.framing());
    if (parser_.keep_alive()) text += " keep";
    if (parser_.wants_upgrade()) text += " upgrade";
    if (parser_.expects_continue()) text += " continue";
    return text;
  }

  TranscriptOptions options_;
  http::H1Parser parser_;
  std::unique_ptr<http::Head> head_;
  std::unique_ptr<base::Arena> arena_;
  std::string text_;
  std::string head_seen_;
  bool in_body_ = false;
  bool done_ = false;
};

// Messages until one does not keep the connection alive, fails or switches protocols. Events are
// joined by "; ":
//   GET /x 1.1 [Host=h] none keep          a request's head, then its framing and traits
//   200 OK 1.1 [A=b] length=5 keep         a response's head
//   'hello'                                body bytes, all of a message's together
//   end, end [T=v]                         with the trailers
//   !400 why                               an error
inline std::string transcribe(std::string_view bytes,
                              const TranscriptOptions& options,
                              const Cut& cut) {
  TranscriptRun run(options);
  while (!bytes.empty() && !run.is_done()) {
    const size_t size = std::min(cut(bytes.size()), bytes.size());
    run.feed(bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
  if (options.input_ends) run.finish();
  return run.take_text();
}

inline size_t whole(size_t left) {
  return left;
}

inline size_t byte_by_byte(size_t /*left*/) {
  return 1;
}

inline Cut split_at(size_t first) {
  return [first, is_first = true](size_t left) mutable {
    const size_t size = is_first ? first : left;
    is_first = false;
    return size;
  };
}

}  // namespace http_test
