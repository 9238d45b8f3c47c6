#pragma once

// What answers at an address where no upstream does: the admin endpoint, the way to https.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "http/head.h"
#include "net/byte_stream.h"
#include "net/loop.h"
#include "openai/api_error.h"

namespace local {

// Value. A page of our own.
struct Page {
  uint16_t status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";  // static
  std::string body = {};
};

// Where a service's answer goes: an exchange. It is there until the answer is complete or the
// client has gone. All calls on the loop's thread; none of them calls back into the service.
class Responder {
 public:
  // The whole answer. What of it is not borrowed for the request's time is copied.
  virtual void reply(const Page& page) = 0;
  // The same for an error, with `fields` of its own beside those that each error has.
  virtual void reply(const openai::ApiError& error, std::span<const http::Field> fields) = 0;

  // Or in pieces: its head, then bytes, borrowed until flush(), then its end.
  virtual void begin(std::string_view content_type) = 0;
  virtual void send(base::Bytes bytes) = 0;
  virtual void end() = 0;
  // Whoever answers later than in serve() ends each event with this, also behind reply() and end().
  // `full`: the client does not read as fast; to go on is for Answer::on_drained().
  virtual net::Flow flush() = 0;

  // For what lives as long as the request; and the loop it is on.
  virtual base::Arena& arena() = 0;
  virtual net::Loop& loop() = 0;

 protected:
  ~Responder() = default;
};

// An answer that takes its time. Its exchange owns it, and buries it when the answer is complete or
// the client has gone.
class Answer : public net::Buried {
 public:
  // No responder any more, whatever was on its way.
  virtual void on_over() = 0;
  virtual void on_drained() {}
};

// Shared by all workers, outlives their connections. Any thread.
class Service {
 public:
  Service() = default;
  virtual ~Service() = default;
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  Service(Service&&) = delete;
  Service& operator=(Service&&) = delete;

  // Whether its clients are held at the limits of connections and memory, and served to their end
  // when the process drains.
  [[nodiscard]] virtual bool is_limited() const { return true; }
  // Whether its exchanges are traffic, for access log and metrics.
  [[nodiscard]] virtual bool is_logged() const { return true; }

  // Answers `request`, whose body it never sees: at once (nullptr), or with what it returns.
  virtual std::unique_ptr<Answer> serve(const http::Head& request, Responder& responder) = 0;
};

}  // namespace local
