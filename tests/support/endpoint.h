#pragma once

// One end of a scripted HTTP/1 conversation, shared by the raw client and the raw upstream. Its
// reader is small, strict and on purpose not that of src/http.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/wire.h"

namespace test {

using Fields = std::vector<std::pair<std::string, std::string>>;

// How the message's body ends.
enum class Ending : uint8_t { no_body, length, chunked, until_close };

// Value: a request or response as it stood on the wire.
struct Message {
  std::string start_line;
  Fields fields;
  std::string body;
  Fields trailers;
  Ending ending = Ending::no_body;
  uint64_t length = 0;  // with Ending::length

  // Parts of the start line.
  [[nodiscard]] std::string method() const;
  [[nodiscard]] std::string target() const;
  [[nodiscard]] std::string version() const;  // "HTTP/1.1", on either kind
  [[nodiscard]] int status() const;
  [[nodiscard]] std::string reason() const;

  // Case-insensitive. All values in order; the only value (throws unless there is just one).
  [[nodiscard]] std::vector<std::string> values(std::string_view name) const;
  [[nodiscard]] std::string value(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const { return !values(name).empty(); }
};

// Resource. One thread, but for abort().
class Endpoint {
 public:
  explicit Endpoint(std::unique_ptr<Wire> wire) : wire_(std::move(wire)) {}

  void send(std::string_view bytes);
  // Sends as much as is taken without a pause of `quiet`; how much that was.
  [[nodiscard]] size_t send_until_blocked(std::string_view bytes, std::chrono::milliseconds quiet);

  // Raw reading. What these leave over is kept for the next.
  [[nodiscard]] std::string read_exactly(size_t size);
  [[nodiscard]] std::string read_until(std::string_view delimiter);  // it included
  [[nodiscard]] std::string read_to_end();
  // Whatever there is, at least one byte; "" at the end.
  [[nodiscard]] std::string read_some();
  // Reads and discards until the peer has ended or torn down the connection.
  void wait_gone();
  // Whether nothing at all, not even an end, arrives for that long. Only for proofs of absence.
  [[nodiscard]] bool silent_for(std::chrono::milliseconds duration);

  // Heads and bodies. A body is decoded; read_body_some() gives the next piece of it, "" at its
  // proper end, and throws Truncated or Reset when there is none.
  [[nodiscard]] Message read_head();                        // start line and fields
  [[nodiscard]] std::optional<Message> read_head_or_end();  // nothing at a clean end
  void begin_request_body(Message& request);
  void begin_response_body(Message& response, std::string_view request_method);
  [[nodiscard]] std::string read_body_some(Message& message);
  // Until what was read contains `text`; returns all of it since the last call.
  [[nodiscard]] std::string read_body_until(Message& message, std::string_view text);
  void read_rest(Message& message);  // appends the body's rest to message.body

  [[nodiscard]] std::optional<Message> read_request();
  // A response whole; a 1xx is one of its own.
  [[nodiscard]] Message read_response(std::string_view request_method = "GET");
  // Its head only, the body begun.
  [[nodiscard]] Message read_response_head(std::string_view request_method = "GET");

  void shutdown_write() { wire_->shutdown_write(); }
  void close() { wire_->close(); }
  void drop() { wire_->drop(); }
  void alert() { wire_->alert(); }
  void reset() { wire_->reset(); }
  void vanish() { wire_->vanish(); }
  void abort() { wire_->abort(); }

 private:
  // Reads more into received_; false at the end of input.
  bool fill(std::chrono::milliseconds timeout = patience);
  std::string take(size_t size);
  std::string read_line();
  Fields read_fields();
  std::string read_chunk(Message& message);

  std::unique_ptr<Wire> wire_;
  std::string received_;  // from offset_ on not yet used
  size_t offset_ = 0;
  uint64_t remaining_ = 0;  // of the body, or of the current chunk
  bool body_done_ = true;
};

// A message with the right Content-Length. `start_line` is "GET /x HTTP/1.1" or "200 OK".
[[nodiscard]] std::string message(std::string_view start_line,
                                  const Fields& fields = {},
                                  std::string_view body = {});
[[nodiscard]] std::string chunk(std::string_view bytes);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

// Reproducible bytes of every value, different at every offset.
[[nodiscard]] std::string pattern(size_t size, uint32_t seed = 1);

}  // namespace test
