// Threads, counters and teardown of the scripted upstream.
#include "support/raw_upstream.h"

#include <fmt/format.h>
#include <utility>

#include <doctest/doctest.h>

namespace test {

std::optional<Message> UpstreamConnection::read_request_head() {
  auto request = read_head_or_end();
  if (request) {
    ++upstream_.requests_;
    begin_request_body(*request);
  }
  return request;
}

std::optional<Message> UpstreamConnection::read_request() {
  auto request = read_request_head();
  if (request) {
    read_rest(*request);
    upstream_.seen_.push(*request);
  }
  return request;
}

RawUpstream::RawUpstream(const Options& options, Script script)
    : script_(std::move(script)),
      tls_(options.tls ? std::make_unique<TlsServer>(*options.tls) : nullptr),
      host_(options.host),
      listener_(std::make_unique<ListeningSocket>(options.host, 512, options.port)),
      acceptor_([this] { accept_all(); }) {}

RawUpstream::~RawUpstream() {
  stopping_ = true;
  stop_listening();
  {
    const std::lock_guard lock(mutex_);
    for (Endpoint* connection : live_)
      connection->abort();
  }
  join_all();
  for (const std::string& failure : failures_)
    FAIL_CHECK("upstream script: " << failure);
}

std::string RawUpstream::authority() const {
  const bool v6 = host_.find(':') != std::string::npos;
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", host_, v6 ? "]" : "", port());
}

std::string RawUpstream::url() const {
  return fmt::format("{}://{}", tls_ ? "https" : "http", authority());
}

void RawUpstream::stop_listening() {
  if (!acceptor_.joinable()) return;
  listener_->stop();
  acceptor_.join();
  listener_->close();
}

void RawUpstream::join_all() {
  for (std::thread& thread : threads_)
    thread.join();
  threads_.clear();
}

void RawUpstream::accept_all() {
  while (auto socket = listener_->accept()) {
    const std::lock_guard lock(mutex_);
    ++open_;
    const unsigned index = connections_++;
    threads_.emplace_back(
        [this, index](std::unique_ptr<Socket> owned) { run(std::move(owned), index); },
        std::move(socket));
  }
}

void RawUpstream::run(std::unique_ptr<Socket> socket, unsigned index) {
  std::unique_ptr<Wire> wire;
  try {
    wire = tls_ ? tls_->accept(std::move(socket)) : plain_wire(std::move(socket));
  } catch (const Failure&) {
    ++failed_handshakes_;
    --open_;
    return;
  }
  UpstreamConnection connection(std::move(wire), *this, index);
  const auto place = [&] {
    const std::lock_guard lock(mutex_);
    return live_.insert(live_.end(), &connection);
  }();
  if (stopping_) connection.abort();
  try {
    script_(connection);
  } catch (const std::exception& failure) {
    if (!stopping_) note_failure(fmt::format("connection {}: {}", index, failure.what()));
  }
  {
    const std::lock_guard lock(mutex_);
    live_.erase(place);
  }
  --open_;
}

void RawUpstream::note_failure(const std::string& what) {
  const std::lock_guard lock(mutex_);
  failures_.push_back(what);
}

RawUpstream::Script serve(std::function<std::string(const Message&)> answer) {
  return [answer = std::move(answer)](UpstreamConnection& connection) {
    try {
      while (auto request = connection.read_request())
        connection.send(answer(*request));
    } catch (const Reset&) {
      // The proxy gave it up; what its client got is for the test to say.
    }
  };
}

RawUpstream::Script serve(std::string answer) {
  return serve([answer = std::move(answer)](const Message&) { return answer; });
}

}  // namespace test
