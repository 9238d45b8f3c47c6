#include "http/h1_writer.h"

#include <charconv>
#include <cstring>
#include <span>

namespace http {
namespace {

constexpr std::string_view crlf = "\r\n";
constexpr std::string_view separator = ": ";

std::string_view connection_line(ConnectionOption connection) {
  switch (connection) {
    case ConnectionOption::none:
      return "";
    case ConnectionOption::keep_alive:
      return "Connection: keep-alive\r\n";
    case ConnectionOption::close:
      return "Connection: close\r\n";
    case ConnectionOption::upgrade:
      return "Connection: upgrade\r\n";
    case ConnectionOption::close_and_upgrade:
      return "Connection: close, upgrade\r\n";
  }
  return "";
}

// The number in `buffer`, which is large enough for any.
using NumberBuffer = std::array<char, 20>;
std::string_view decimal(NumberBuffer& buffer, uint64_t number) {
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), static_cast<size_t>(result.ptr - buffer.data())};
}

// The framing field's line, in two parts: its text and, for a length, the number and line end.
struct FramingLine {
  std::string_view name;
  std::string_view number;
  [[nodiscard]] size_t size() const {
    return name.size() + number.size() + (number.empty() ? 0 : crlf.size());
  }
};

FramingLine framing_line(Framing framing, NumberBuffer& buffer) {
  switch (framing.kind) {
    case Framing::Kind::length:
      return {"Content-Length: ", decimal(buffer, framing.length)};
    case Framing::Kind::chunked:
      return {"Transfer-Encoding: chunked\r\n", {}};
    case Framing::Kind::none:
    case Framing::Kind::until_close:
    case Framing::Kind::tunnel:
      break;
  }
  return {};
}

size_t fields_size(const std::vector<Field>& fields) {
  size_t size = 0;
  for (const Field& field : fields) {
    size += field.name.size() + separator.size() + field.value.size() + crlf.size();
  }
  return size;
}

// Fills memory whose size was worked out before.
class Cursor {
 public:
  explicit Cursor(char* begin) : next_(begin) {}

  Cursor& operator<<(std::string_view text) {
    if (!text.empty()) std::memcpy(next_, text.data(), text.size());
    next_ += text.size();
    return *this;
  }
  Cursor& operator<<(const std::vector<Field>& fields) {
    for (const Field& field : fields)
      *this << field.name << separator << field.value << crlf;
    return *this;
  }
  Cursor& operator<<(const FramingLine& line) {
    *this << line.name << line.number;
    return line.number.empty() ? *this : *this << crlf;
  }

 private:
  char* next_;
};

// One allocation for the whole head; `start` are the pieces of its first line.
base::Bytes write_head(std::initializer_list<std::string_view> start,
                       const Head& head,
                       Framing framing,
                       ConnectionOption connection,
                       base::Arena& arena) {
  NumberBuffer buffer;
  const FramingLine framed = framing_line(framing, buffer);
  const std::string_view connected = connection_line(connection);
  size_t size = fields_size(head.fields) + connected.size() + framed.size() + crlf.size();
  for (const std::string_view piece : start)
    size += piece.size();
  const std::span<char> text = arena.allocate(size);
  Cursor cursor(text.data());
  for (const std::string_view piece : start)
    cursor << piece;
  cursor << head.fields << connected << framed << crlf;
  return std::as_bytes(text);
}

}  // namespace

base::Bytes write_request_head(const Head& head,
                               Framing framing,
                               ConnectionOption connection,
                               base::Arena& arena) {
  const bool anticipates_body =
      head.method == "POST" || head.method == "PUT" || head.method == "PATCH";
  if (framing.kind == Framing::Kind::none && anticipates_body) {
    framing = {Framing::Kind::length, 0};
  }
  return write_head(
      {head.method, " ", head.target, " HTTP/1.1\r\n"}, head, framing, connection, arena);
}

base::Bytes write_response_head(const Head& head,
                                Framing framing,
                                ConnectionOption connection,
                                base::Arena& arena) {
  NumberBuffer buffer;
  const std::string_view reason = head.reason.empty() ? reason_phrase(head.status) : head.reason;
  return write_head({"HTTP/1.1 ", decimal(buffer, head.status), " ", reason, crlf},
                    head,
                    framing,
                    connection,
                    arena);
}

base::Bytes write_chunk_prefix(ChunkPrefix& buffer, uint64_t size) {
  constexpr size_t digits_max = std::tuple_size_v<ChunkPrefix> - crlf.size();
  const auto result = std::to_chars(buffer.data(), buffer.data() + digits_max, size, 16);
  std::memcpy(result.ptr, crlf.data(), crlf.size());
  const auto digits = static_cast<size_t>(result.ptr - buffer.data());
  return std::as_bytes(std::span<const char>{buffer.data(), digits + crlf.size()});
}

base::Bytes write_last_chunk(const std::vector<Field>& trailers, base::Arena& arena) {
  constexpr std::string_view last_chunk = "0\r\n";
  const std::span<char> text =
      arena.allocate(last_chunk.size() + fields_size(trailers) + crlf.size());
  Cursor(text.data()) << last_chunk << trailers << crlf;
  return std::as_bytes(text);
}

}  // namespace http
