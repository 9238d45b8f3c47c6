#pragma once

// One step of a handshake on another thread: a key exchange or a chain of signatures takes
// milliseconds, in which the loop would stand still for everybody else.

#include <atomic>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/intrusive_list.h"
#include "net/loop.h"
#include "tls/session.h"

namespace tls {

class TlsStream;

// Resource, owned by the loop it was given to. Has the session to itself from there until done().
class HandshakeStep final : public net::Offloaded, public base::ListLink<HandshakeStep> {
 public:
  // `input` is copied. The step enters the context's list until it is done.
  HandshakeStep(TlsStream& stream,
                Context& context,
                std::unique_ptr<Session> session,
                base::Bytes input);
  ~HandshakeStep() override;
  HandshakeStep(const HandshakeStep&) = delete;
  HandshakeStep& operator=(const HandshakeStep&) = delete;
  HandshakeStep(HandshakeStep&&) = delete;
  HandshakeStep& operator=(HandshakeStep&&) = delete;

  void run() override;
  void done() override;

  // The rest is the loop's thread's.
  // Nobody waits for it any more; it still has to run to its end.
  void abandon() { stream_ = nullptr; }
  // Blocks until run() is over, then destroys the session, whose context is about to go.
  void end();

  // After run():
  [[nodiscard]] std::unique_ptr<Session> take_session() { return std::move(session_); }
  [[nodiscard]] Session::Status status() const { return status_; }
  // What followed the handshake.
  [[nodiscard]] base::Bytes rest() const { return rest_; }

 private:
  TlsStream* stream_;  // null: abandoned
  std::unique_ptr<Session> session_;
  std::vector<std::byte> input_;
  base::Bytes rest_;
  Session::Status status_ = Session::Status::failed;
  std::atomic<bool> ran_{false};
};

}  // namespace tls
