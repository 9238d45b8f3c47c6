#pragma once

// The small fields of a multipart/form-data body (RFC 7578), found as it passes; files are skipped.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace openai {

// Value. One thread. Give it a body in pieces and take the fields of each until it says `none`.
class MultipartReader {
 public:
  static constexpr size_t boundary_bytes_max = 70;  // RFC 2046, 5.1.1
  static constexpr size_t head_bytes_max =
      1024;  // of a part's own fields; beyond: a part without a name
  static constexpr size_t value_bytes_max = 256;  // what is kept of a field

  enum class Event : uint8_t {
    none,       // the piece is used up
    field,      // name() and value() of a part without a file name
    file,       // the end of a part with one; bytes() counts it
    malformed,  // no such form; said once
  };

  // `content_type` is not kept. Where it names no boundary, or one that is too long, everything is
  // malformed.
  explicit MultipartReader(std::string_view content_type = {});
  // Whether `content_type` is multipart/form-data.
  [[nodiscard]] static bool is_form(std::string_view content_type);

  // The next event of `piece`, which is shortened by what was read.
  [[nodiscard]] Event next(std::string_view& piece);

  // Of the last event; valid until the next call of next().
  [[nodiscard]] std::string_view name() const { return {name_.data(), name_bytes_}; }
  [[nodiscard]] std::string_view value() const { return {value_.data(), value_bytes_}; }
  // Whether value() is all of it.
  [[nodiscard]] bool is_value_whole() const { return bytes_ == value_bytes_; }
  // Of the last part's content.
  [[nodiscard]] uint64_t bytes() const { return bytes_; }
  // Whether the closing delimiter has come.
  [[nodiscard]] bool is_complete() const { return state_ == State::after; }

 private:
  enum class State : uint8_t { preamble, content, behind_delimiter, head, after, malformed };

  bool read_content(std::string_view& piece);
  void keep(std::string_view part);
  Event end_part();
  bool read_behind_delimiter(char c);
  bool read_head_byte(char c);
  void begin_part();
  void read_head();

  std::array<char, boundary_bytes_max + 4> delimiter_{};  // CR LF - - boundary
  std::array<char, head_bytes_max> head_{};
  std::array<char, value_bytes_max> value_{};
  std::array<char, 64> name_{};
  uint64_t bytes_ = 0;
  uint16_t head_bytes_ = 0;
  uint16_t value_bytes_ = 0;
  uint8_t name_bytes_ = 0;
  uint8_t delimiter_bytes_ = 0;
  uint8_t matched_ = 2;         // of the delimiter: a body begins as if a line had ended
  uint8_t before_content_ = 0;  // bytes of those that are no content: the line's end before it
  uint8_t tail_bytes_ =
      0;  // of CR LF CR LF at the head's end, or of what stands behind a delimiter
  bool is_file_ = false;
  bool is_reported_ = false;
  State state_ = State::preamble;
};

}  // namespace openai
