#include "bench/load/ask.h"

#include <fmt/format.h>
#include <memory>
#include <optional>
#include <utility>

#include "bench/base/fine_timers.h"
#include "bench/base/json.h"
#include "bench/load/request.h"
#include "bench/load/response_reader.h"
#include "bench/load/target.h"
#include "http/sse.h"
#include "net/deadline.h"
#include "net/error_text.h"
#include "net/name_service.h"
#include "net/resolver.h"
#include "net/tcp.h"
#include "net/uv_loop.h"
#include "tls/context.h"
#include "tls/stream.h"

namespace bench::load {
namespace {

constexpr uint64_t handshake_timeout_ms = 10'000;
constexpr uint64_t connect_timeout_ms = 5'000;
constexpr uint64_t look_interval_ms = 100;
constexpr uint64_t ns_per_ms = 1'000'000;
constexpr size_t refusal_bytes_max = 2'000;

// Resource: one connection and its one request. Everything happens within run().
class Asking final : private net::ByteStreamListener {
 public:
  Asking(const Plan& plan,
         std::shared_ptr<const tls::TrustStore> trust,
         const std::function<void(std::string_view)>& on_text,
         const std::atomic<bool>& stop)
      : plan_(plan),
        on_text_(on_text),
        stop_(stop),
        resolver_(loop_, names_),
        look_(loop_.timers(), this, [](void* self) { static_cast<Asking*>(self)->on_look(); }) {
    const base::Origin& origin = plan.target.origin;
    if (origin.scheme == base::Scheme::https) {
      tls::ClientOptions options;
      options.server_name = origin.host;
      options.verify = plan.tls_verify ? tls::Verify::required : tls::Verify::none;
      tls_ = std::make_unique<tls::ClientContext>(options, std::move(trust));
    }
    stream_ =
        net::Tcp::connect(loop_, resolver_, {origin.host, origin.port, connect_timeout_ms}, *this);
    stream_->set_reading(true);
  }

  base::Result<Answer, std::string> run() {
    silent_until_ms_ = loop_.now_ms() + plan_.request_timeout_ns / ns_per_ms;
    look_.set(look_interval_ms);
    while (!ended_)
      loop_.run_once();
    look_.clear();
    stream_->close();
    if (!error_.empty()) return error_;
    return answer_;
  }

 private:
  void on_connected() override {
    if (tls_ && !is_tls_) {
      is_tls_ = true;
      stream_ = std::make_unique<tls::TlsStream>(
          loop_, std::move(stream_), tls::TransportState::connected, *tls_, handshake_timeout_ms);
      stream_->set_listener(*this);
      stream_->set_reading(true);
      return;
    }
    start_ns_ = FineTimers::now_ns();
    reader_.begin();
    const Request request = make_request(plan_, Scenario::stream);
    const base::Bytes bytes = base::as_bytes(request.front);
    static_cast<void>(stream_->write({&bytes, 1}));
  }

  void on_read(base::Bytes bytes) override {
    silent_until_ms_ = loop_.now_ms() + plan_.request_timeout_ns / ns_per_ms;
    while (!ended_) {
      const ResponseReader::Event event = reader_.next(bytes);
      switch (event.kind) {
        case ResponseReader::Kind::need_more:
          return;
        case ResponseReader::Kind::head:
          break;
        case ResponseReader::Kind::body:
          on_body(event.body);
          break;
        case ResponseReader::Kind::end:
          complete();
          break;
        case ResponseReader::Kind::error:
          end("what came is not HTTP/1.1");
          break;
      }
    }
  }

  void on_body(base::Bytes body) {
    if (reader_.status() / 100 != 2 || !reader_.is_event_stream()) {
      refusal_ += base::as_text(body).substr(0, refusal_bytes_max - refusal_.size());
      return;
    }
    http::SseEvent event;
    while (splitter_.next(body, event)) {
      ++answer_.events;
      const auto chunk = parse_json(event.data);
      if (!chunk) {
        is_done_ = is_done_ || event.data == "[DONE]";
        continue;
      }
      for (const Json& choice : (*chunk)["choices"].list()) {
        const std::string text = choice["delta"]["content"].text();
        if (text.empty()) continue;
        if (answer_.first_token_ns == 0) answer_.first_token_ns = FineTimers::now_ns() - start_ns_;
        on_text_(text);
      }
    }
  }

  void complete() {
    answer_.total_ns = FineTimers::now_ns() - start_ns_;
    if (reader_.status() / 100 != 2 || !reader_.is_event_stream()) {
      end(fmt::format("status {} and no stream: {}", reader_.status(), refusal_));
    } else {
      end(is_done_ ? "" : "the stream ended without its [DONE]");
    }
  }

  void on_read_end(net::ReadEnd /*end*/) override {
    if (start_ns_ != 0 && reader_.ends_with_input()) {
      complete();
    } else {
      end("the connection ended before the answer did");
    }
  }
  void on_error(base::Error error) override {
    const bool is_tls = error.code == base::Code::tls || error.code == base::Code::certificate;
    end(fmt::format("{}: {}",
                    plan_.target.origin.text(),
                    is_tls ? tls::error_text(error) : net::error_text(error.raw)));
  }
  void on_drained() override {}
  void on_write_error(base::Error /*error*/) override {}

  void on_look() {
    if (stop_) {
      end("stopped");
    } else if (loop_.now_ms() > silent_until_ms_) {
      end("no answer within the time-out");
    } else {
      look_.set(look_interval_ms);
    }
  }

  void end(std::string error) {
    if (ended_) return;
    ended_ = true;
    error_ = std::move(error);
  }

  const Plan& plan_;
  const std::function<void(std::string_view)>& on_text_;
  const std::atomic<bool>& stop_;
  net::UvLoop loop_;
  net::NameService names_;
  net::Resolver resolver_;
  net::Deadline look_;
  std::unique_ptr<tls::ClientContext> tls_;
  std::unique_ptr<net::ByteStream> stream_;
  ResponseReader reader_;
  http::SseSplitter splitter_;
  std::string refusal_;  // the beginning of an answer that is no stream
  std::string error_;
  Answer answer_;
  uint64_t start_ns_ = 0;
  uint64_t silent_until_ms_ = 0;
  bool is_tls_ = false;
  bool is_done_ = false;
  bool ended_ = false;
};

}  // namespace

base::Result<Answer, std::string> ask(const Plan& plan,
                                      const std::function<void(std::string_view text)>& on_text,
                                      const std::atomic<bool>& stop) {
  auto trust = load_trust(plan);
  if (!trust) return trust.error();
  return Asking(plan, std::move(*trust), on_text, stop).run();
}

}  // namespace bench::load
