#pragma once

// The seam between an exchange and a protocol: one request and its response, whatever the protocol
// and its version, on either side. Who joins two streams knows no more of them than this.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/error.h"
#include "base/intrusive_list.h"
#include "http/head.h"
#include "net/address.h"
#include "net/byte_stream.h"
#include "net/loop.h"

namespace stream {

// Why a stream does not read.
enum class Pause : uint8_t {
  flow = 1,       // the other side's queue is full
  pipelined = 2,  // the next request waits for this one's response
  held = 4,       // nobody to give the bytes to yet
};

// Value. A set of reasons: a stream reads again when the last one is gone, so that no one resumes
// for another.
class Pauses {
 public:
  void add(Pause reason) { bits_ |= static_cast<uint8_t>(reason); }
  // Whether that was the last one.
  bool remove(Pause reason) {
    const uint8_t before = bits_;
    bits_ &= static_cast<uint8_t>(~static_cast<uint8_t>(reason));
    return before != 0 && bits_ == 0;
  }
  void clear() { bits_ = 0; }
  [[nodiscard]] bool empty() const { return bits_ == 0; }

 private:
  uint8_t bits_ = 0;
};

// Value. What a message's body is; how its end shows on the wire is the protocol's affair.
struct Body {
  enum class Kind : uint8_t {
    none,     // nothing follows the head, nor may anything
    length,   // `length` bytes
    unknown,  // as many as come until its end
    tunnel,   // after a 101: raw bytes both ways
  };
  Kind kind = Kind::none;
  uint64_t length = 0;

  // What a parser's framing says of it.
  [[nodiscard]] static Body of(http::Framing framing);
};

// All calls on the loop's thread. None of them calls back into the exchange.
class HttpStream {
 public:
  HttpStream() = default;
  HttpStream(const HttpStream&) = delete;
  HttpStream& operator=(const HttpStream&) = delete;
  HttpStream(HttpStream&&) = delete;
  HttpStream& operator=(HttpStream&&) = delete;

  // The message's head, without connection and framing fields: those follow from `body` and the
  // protocol. Interim (1xx) heads may come before the final one; who cannot have them does not get
  // them. Its bytes are laid out at once.
  virtual void send_head(const http::Head& head, Body body) = 0;

  // Bytes of the body. Borrowed until flush(), so that a head, a whole read event and the last
  // chunk leave in one write.
  virtual void send_body(base::Bytes bytes) = 0;

  // The message is complete. Trailers go out where the framing has room for them. Borrowed until
  // flush().
  virtual void send_end(const std::vector<http::Field>& trailers) = 0;

  // The read event is over: what is held leaves now. `full` asks the exchange to pause the other
  // side until on_..._drained().
  virtual net::Flow flush() = 0;

  // After a 101: raw bytes in both directions from here on; send_end() is a half-close.
  virtual void start_tunnel() = 0;

  // The message cannot be ended honestly. What was sent of it is delivered first, then the
  // connection ends so that nobody takes that for the message's end.
  virtual void reset() = 0;

  virtual void pause(Pause reason) = 0;
  virtual void resume(Pause reason) = 0;

 protected:
  ~HttpStream() = default;
};

class UpstreamStream;
using UpstreamStreams = base::IntrusiveList<UpstreamStream>;

// Where a request came from and its response goes.
class ClientStream : public HttpStream {
 public:
  // The streams with a login of this client's (UpstreamStream::bind()) that wait in their pools for
  // its next request. Who keeps such a list ends them when the client goes. nullptr: none are kept.
  [[nodiscard]] virtual UpstreamStreams* bound_streams() { return nullptr; }

  // The exchange is over: complete, or cut by reset(). It calls no more, but for one last flush(),
  // and is not called any more; it stays until the end of the turn.
  virtual void on_exchange_finished() = 0;

 protected:
  ~ClientStream() = default;
};

// Who hears of a response: an exchange, or whoever made a request of its own. All calls on the
// loop's thread, none from within a call into the stream.
class ResponseListener {
 public:
  // The Head given to attach() is complete. Also for interim responses, which no body follows.
  virtual void on_response_head() = 0;
  // `bytes` are borrowed until on_response_flush().
  virtual void on_response_body(base::Bytes bytes) = 0;
  // Whole, trailers in the Head.
  virtual void on_response_end() = 0;
  // The read event is over: what came is to be handed on. The last of an event's calls, also where
  // the listener has left the stream within the event.
  virtual void on_response_flush() = 0;
  // After flush() said `full`: there is room again.
  virtual void on_upstream_drained() = 0;
  // No (further) response will come.
  virtual void on_upstream_failed(base::Error error) = 0;

 protected:
  ~ResponseListener() = default;
};

// Value. What is known of a stream and of the response on it.
struct UpstreamFacts {
  Body body;                               // of the response, once its head is complete
  std::optional<uint64_t> content_length;  // its field, also where no body follows (HEAD, 304)
  bool response_begun = false;             // some byte of a response was seen
};

// Where a request goes and its response comes from: an HTTP/1 connection, or one stream of several
// on a connection. Owned by its pool while dialled and idle, by whoever uses it while it serves;
// moved between them, so that at every moment there is one owner. Dies in the graveyard. The link
// is its place among the bound ones of a client.
class UpstreamStream : public net::Buried,
                       public HttpStream,
                       public base::ListLink<UpstreamStream> {
 public:
  // Serves `listener` until detach(): the response head goes into `response_head` and `arena`,
  // which live as long, as does `request_method`.
  struct Service {
    ResponseListener& listener;
    http::Head& response_head;
    base::Arena& arena;
    std::string_view request_method;
  };
  virtual void attach(const Service& service) = 0;

  // Leaves its listener. Whether it may serve another: the response is complete, nothing more came,
  // both sides keep it.
  [[nodiscard]] virtual bool detach() = 0;

  [[nodiscard]] virtual UpstreamFacts facts() const = 0;
  // Whether its connection has, other requests before this one.
  [[nodiscard]] virtual bool has_served() const = 0;
  // Once it has failed: whether the upstream is known not to have taken a byte of the request.
  [[nodiscard]] virtual bool has_refused_request() = 0;
  [[nodiscard]] virtual size_t queued_bytes() const = 0;
  // The other end of its connection.
  [[nodiscard]] virtual const net::Address& peer() const = 0;

  // Its connection has a login, or half of one, that holds for all that comes over it (NTLM): from
  // now on it serves the client of its present listener alone.
  void bind() { is_bound_ = true; }
  [[nodiscard]] bool is_bound() const { return is_bound_; }
  // While it waits: nobody will come for it.
  virtual void end_waiting() = 0;

  // For its pool. Waits to be used again, for at most `timeout_ms`; and ends now, in any state.
  virtual void become_idle(uint64_t timeout_ms) = 0;
  virtual void close() = 0;

 private:
  bool is_bound_ = false;
};

}  // namespace stream
