#pragma once

// What reads a message's heads, chunk lines and trailers for H1Parser: llhttp, and what we read in
// its place. Private to h1_parser.cc and h1_engine.cc.
//
// llhttp sees versions, status lines, chunk size lines and trailers; of a head's fields the coding
// alone, and those that are not plain, to say what is wrong with them. Methods and targets we read
// ourselves, as it has a list of methods and refuses targets with an eighth bit; fields too, as it
// takes no tab for white space around a length or a coding (RFC 9110 5.5); bodies we count
// ourselves. It is paused after each section, and never given more bytes than one may have, which
// bounds what it does not report (white space, leading zeros, chunk extensions). Its lenient flags
// are all off.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <llhttp.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/h1_parser.h"
#include "http/head.h"

namespace http {

inline constexpr std::string_view protocol_name = "HTTP/";

// Takes `count` bytes from the front of `input`.
inline void drop(base::Bytes& input, size_t count) {
  input = input.subspan(count);
}

// Value in the arena of its message.
struct H1Parser::Engine {
  enum class Outcome : uint8_t { more, complete, failed };
  enum class StartLine : uint8_t { open, at_cr, complete };
  enum class LinePart : uint8_t { begin, name, value, end };

  Engine(Role role, const H1Limits& given_limits, Head& message, base::Arena& memory)
      : limits(given_limits), head(&message), arena(&memory), left(given_limits.head_bytes_max) {
    llhttp_init(&llhttp, role == Role::request ? HTTP_REQUEST : HTTP_RESPONSE, &settings);
    llhttp.data = this;
  }

  // Bytes of our own making, for the parts we read ourselves.
  void prime(std::string_view text);
  // What it makes of `text`; `used` tells how much it took.
  Outcome execute(std::string_view text, size_t& used);
  // Bytes that are counted already, or of our own.
  Outcome feed(std::string_view text);
  // Takes up to `left` bytes of the section llhttp is in.
  Outcome run(base::Bytes& input);
  // The rest of a head. Mostly it comes whole: then it is copied once, and names and values are
  // views of the copy; else its lines are put together one by one.
  Outcome run_head(base::Bytes& input);
  // Where the fields are plain, llhttp sees of them the coding alone.
  Outcome run_beside_fields(base::Bytes first_line);
  // A head that does not come whole, or not plain. Of its start line we read the end ourselves:
  // llhttp takes CR CR for the end of a status line, and what is behind it for a field.
  Outcome run_head_in_pieces(base::Bytes& input);
  Outcome run_first(base::Bytes& input, size_t count);
  // The fields of such a head, and the empty line behind them.
  Outcome run_lines(base::Bytes& input);
  // Whether the line that `piece` is the continuation of may still turn out plain: who sends
  // anything else is told at once.
  bool may_go_on(std::string_view piece);
  Outcome run_line(bool is_whole);
  // llhttp finds the reason; should it find none, the line is refused all the same.
  Outcome refuse_line();
  // What it needs to read chunks. Anything else that is said about the framing we judge alone.
  void take_coding(const Field& field);
  // `text`, of which `more` of the slice is the continuation, in memory that lasts.
  [[nodiscard]] std::string_view keep(std::string_view text, std::string_view more) const;
  void enter_trailers();
  int refuse(H1Error why);
  int on_version(std::string_view text);
  int on_version_complete();
  [[nodiscard]] int on_reason(std::string_view text) const;
  // Of trailers: those of a head are read before llhttp sees any.
  int on_name(std::string_view text);
  [[nodiscard]] int on_value(std::string_view text) const;
  int on_value_complete();
  int on_extension_name(std::string_view text);
  // llhttp takes an extension for one that has no name (RFC 9112 7.1.1).
  int on_extension_name_complete();

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
  std::string_view line;                 // of fields, as far as it has come
  LinePart line_part = LinePart::begin;  // where it stands
  bool is_coding_taken = false;
  bool is_line_bad = false;    // llhttp reads on, to find the reason
  bool is_slice_kept = false;  // the slice is in the arena
  bool in_version = false;
  bool in_field = false;
  bool in_trailers = false;
  bool in_extension_name = false;
};

}  // namespace http
