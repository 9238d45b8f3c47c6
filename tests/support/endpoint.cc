// The strict little HTTP/1 reader of the tests.
#include "support/endpoint.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <fmt/format.h>

namespace test {
namespace {

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

uint64_t parse_number(std::string_view text, int base) {
  const std::string_view digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
  if (text.empty() || text.size() > 15 || text.find_first_not_of(digits) != text.npos) {
    throw Failure(fmt::format("not a number: '{}'", text));
  }
  return std::stoull(std::string(text), nullptr, base);
}

std::string word(const std::string& line, size_t index) {
  size_t begin = 0;
  for (size_t i = 0; i < index; ++i) {
    begin = line.find(' ', begin);
    if (begin == std::string::npos) throw Failure("malformed start line: " + line);
    ++begin;
  }
  return line.substr(begin, line.find(' ', begin) - begin);
}

}  // namespace

std::string Message::method() const {
  return word(start_line, 0);
}
std::string Message::target() const {
  return word(start_line, 1);
}
std::string Message::version() const {
  return start_line.starts_with("HTTP/") ? word(start_line, 0) : word(start_line, 2);
}
int Message::status() const {
  return static_cast<int>(parse_number(word(start_line, 1), 10));
}
std::string Message::reason() const {
  const size_t space = start_line.find(' ', start_line.find(' ') + 1);
  return space == std::string::npos ? "" : start_line.substr(space + 1);
}

std::vector<std::string> Message::values(std::string_view name) const {
  std::vector<std::string> found;
  for (const auto& [field, value] : fields) {
    if (equals_ignoring_case(field, name)) found.push_back(value);
  }
  return found;
}

std::string Message::value(std::string_view name) const {
  const auto found = values(name);
  if (found.size() != 1) {
    throw Failure(fmt::format("{} fields {} in '{}'", found.size(), name, start_line));
  }
  return found[0];
}

void Endpoint::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const size_t sent = wire_->write_some(bytes, patience);
    if (sent == 0) throw TimedOut("write");
    bytes.remove_prefix(sent);
  }
}

size_t Endpoint::send_until_blocked(std::string_view bytes, std::chrono::milliseconds quiet) {
  size_t total = 0;
  while (total < bytes.size()) {
    const size_t sent = wire_->write_some(bytes.substr(total), quiet);
    if (sent == 0) break;
    total += sent;
  }
  return total;
}

bool Endpoint::fill(std::chrono::milliseconds timeout) {
  if (offset_ == received_.size()) {
    received_.clear();
    offset_ = 0;
  }
  std::array<char, 16384> piece;
  const size_t got = wire_->read_some(piece, timeout);
  received_.append(piece.data(), got);
  return got > 0;
}

std::string Endpoint::take(size_t size) {
  std::string taken = received_.substr(offset_, size);
  offset_ += taken.size();
  return taken;
}

std::string Endpoint::read_exactly(size_t size) {
  while (received_.size() - offset_ < size) {
    if (!fill()) throw Truncated(fmt::format("end before {} bytes: '{}'", size, take(200)));
  }
  return take(size);
}

std::string Endpoint::read_until(std::string_view delimiter) {
  size_t searched = 0;
  for (;;) {
    const size_t at = received_.find(delimiter, offset_ + searched);
    if (at != std::string::npos) return take(at + delimiter.size() - offset_);
    const size_t have = received_.size() - offset_;
    searched = have < delimiter.size() ? 0 : have - delimiter.size() + 1;
    if (!fill()) throw Truncated(fmt::format("end before '{}': '{}'", delimiter, take(200)));
  }
}

std::string Endpoint::read_to_end() {
  while (fill()) {
  }
  return take(std::string::npos);
}

std::string Endpoint::read_some() {
  if (offset_ == received_.size()) fill();
  return take(std::string::npos);
}

void Endpoint::wait_gone() {
  try {
    while (fill())
      offset_ = received_.size();
  } catch (const Reset&) {
    // gone as well
  }
}

bool Endpoint::silent_for(std::chrono::milliseconds duration) {
  if (offset_ < received_.size()) return false;
  try {
    fill(duration);
    return false;
  } catch (const TimedOut&) {
    return true;
  } catch (const Reset&) {
    return false;
  }
}

std::string Endpoint::read_line() {
  std::string line = read_until("\n");
  if (line.size() < 2 || line[line.size() - 2] != '\r') throw Failure("bare LF: " + line);
  line.resize(line.size() - 2);
  if (line.find_first_of(std::string_view("\r\0", 2)) != line.npos) {
    throw Failure("CR or NUL: " + line);
  }
  return line;
}

Fields Endpoint::read_fields() {
  Fields fields;
  for (std::string line = read_line(); !line.empty(); line = read_line()) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos || !is_token(line.substr(0, colon))) {
      throw Failure("malformed field: " + line);
    }
    const size_t begin = line.find_first_not_of(" \t", colon + 1);
    const size_t end = line.find_last_not_of(" \t");
    fields.emplace_back(line.substr(0, colon),
                        begin == std::string::npos ? "" : line.substr(begin, end - begin + 1));
  }
  return fields;
}

Message Endpoint::read_head() {
  Message message;
  message.start_line = read_line();
  message.fields = read_fields();
  return message;
}

std::optional<Message> Endpoint::read_head_or_end() {
  try {
    if (offset_ == received_.size() && !fill()) return std::nullopt;
  } catch (const Reset&) {
    return std::nullopt;
  }
  return read_head();
}

void Endpoint::begin_request_body(Message& request) {
  const auto lengths = request.values("content-length");
  const auto codings = request.values("transfer-encoding");
  if (lengths.size() + codings.size() > 1) throw Failure("ambiguous framing");
  request.ending = Ending::no_body;
  remaining_ = 0;
  if (!codings.empty()) {
    if (codings[0] != "chunked") throw Failure("Transfer-Encoding: " + codings[0]);
    request.ending = Ending::chunked;
  } else if (!lengths.empty()) {
    request.ending = Ending::length;
    request.length = remaining_ = parse_number(lengths[0], 10);
  }
  body_done_ = request.ending == Ending::no_body;
}

void Endpoint::begin_response_body(Message& response, std::string_view request_method) {
  const int status = response.status();
  const bool bodiless =
      request_method == "HEAD" || status / 100 == 1 || status == 204 || status == 304;
  if (bodiless) {
    response.ending = Ending::no_body;
    body_done_ = true;
    return;
  }
  begin_request_body(response);
  if (response.ending == Ending::no_body) {
    response.ending = Ending::until_close;
    body_done_ = false;
  }
}

std::string Endpoint::read_chunk(Message& message) {
  if (remaining_ == 0) {
    remaining_ = parse_number(read_line(), 16);  // no chunk extension is expected of anybody here
    if (remaining_ == 0) {
      message.trailers = read_fields();
      body_done_ = true;
      return "";
    }
  }
  if (offset_ == received_.size() && !fill()) throw Truncated("end inside a chunk");
  std::string piece = take(remaining_);
  remaining_ -= piece.size();
  if (remaining_ == 0 && !read_line().empty()) throw Failure("no CRLF after a chunk");
  return piece;
}

std::string Endpoint::read_body_some(Message& message) {
  if (body_done_) return "";
  if (message.ending == Ending::chunked) return read_chunk(message);
  if (message.ending == Ending::until_close) {
    std::string piece = read_some();
    body_done_ = piece.empty();
    return piece;
  }
  if (remaining_ == 0) {
    body_done_ = true;
    return "";
  }
  if (offset_ == received_.size() && !fill()) {
    throw Truncated(fmt::format("end with {} bytes of the body to come", remaining_));
  }
  std::string piece = take(remaining_);
  remaining_ -= piece.size();
  return piece;
}

std::string Endpoint::read_body_until(Message& message, std::string_view text) {
  std::string all;
  while (all.find(text) == std::string::npos) {
    const std::string piece = read_body_some(message);
    if (piece.empty()) throw Truncated(fmt::format("the body ended before '{}': '{}'", text, all));
    all += piece;
  }
  return all;
}

void Endpoint::read_rest(Message& message) {
  for (std::string piece = read_body_some(message); !piece.empty();
       piece = read_body_some(message)) {
    message.body += piece;
  }
}

std::optional<Message> Endpoint::read_request() {
  auto request = read_head_or_end();
  if (request) {
    begin_request_body(*request);
    read_rest(*request);
  }
  return request;
}

Message Endpoint::read_response_head(std::string_view request_method) {
  Message response = read_head();
  begin_response_body(response, request_method);
  return response;
}

Message Endpoint::read_response(std::string_view request_method) {
  Message response = read_response_head(request_method);
  read_rest(response);
  return response;
}

std::string message(std::string_view start_line, const Fields& fields, std::string_view body) {
  const bool response = std::isdigit(static_cast<unsigned char>(start_line[0])) != 0;
  std::string text = fmt::format("{}{}\r\n", response ? "HTTP/1.1 " : "", start_line);
  for (const auto& [name, value] : fields)
    text += fmt::format("{}: {}\r\n", name, value);
  if (response || !body.empty()) text += fmt::format("Content-Length: {}\r\n", body.size());
  return fmt::format("{}\r\n{}", text, body);
}

std::string chunk(std::string_view bytes) {
  return fmt::format("{:x}\r\n{}\r\n", bytes.size(), bytes);
}

std::string pattern(size_t size, uint32_t seed) {
  std::string bytes(size, '\0');
  uint32_t state = seed * 2654435761U + 1;
  for (char& byte : bytes) {
    state = state * 1664525U + 1013904223U;
    byte = static_cast<char>(state >> 24);
  }
  return bytes;
}

}  // namespace test
