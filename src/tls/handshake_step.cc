#include "tls/handshake_step.h"

#include <utility>

#include "tls/stream.h"

namespace tls {

HandshakeStep::HandshakeStep(TlsStream& stream,
                             Context& context,
                             std::unique_ptr<Session> session,
                             base::Bytes input)
    : stream_(&stream), session_(std::move(session)), input_(input.begin(), input.end()) {
  context.steps().push_back(*this);
}

HandshakeStep::~HandshakeStep() = default;

void HandshakeStep::run() {
  rest_ = input_;
  status_ = session_->handshake(rest_);
  ran_ = true;
  ran_.notify_one();
}

void HandshakeStep::done() {
  unlink();
  if (stream_ != nullptr) stream_->finish_step(*this);
}

void HandshakeStep::end() {
  ran_.wait(false);
  session_.reset();
}

}  // namespace tls
