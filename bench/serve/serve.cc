// Options checked, sockets bound, threads started and joined.
#include "bench/serve/serve.h"

#include <chrono>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "base/descriptor_limit.h"
#include "base/parse_number.h"
#include "bench/serve/environment.h"
#include "bench/serve/request_line.h"
#include "bench/serve/text.h"
#include "bench/serve/thread.h"
#include "net/listener.h"
#include "tls/server_context.h"

namespace bench::serve {
namespace {

constexpr std::chrono::milliseconds stop_check{20};

// "127.0.0.1:9100", "[::1]:9100", "unix:/path".
base::Result<net::ListenAddress, std::string> read_address(std::string_view text) {
  constexpr std::string_view unix_prefix = "unix:";
  if (text.starts_with(unix_prefix)) {
    return net::ListenAddress{
        .host = {}, .port = 0, .unix_path = std::string(text.substr(unix_prefix.size()))};
  }
  const size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (colon != std::string_view::npos && net::Address::parse(host, 0)) {
    const auto port = base::parse_number<uint16_t>(text.substr(colon + 1));
    if (port) return net::ListenAddress{.host = std::string(host), .port = *port, .unix_path = {}};
  }
  return fmt::format(
      "cannot listen on '{}': give ADDRESS:PORT with a literal address, such as "
      "127.0.0.1:9100, [::1]:9100 or 127.0.0.1:0, or unix:PATH",
      text);
}

// Nothing where it cannot be read or is empty.
std::optional<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file || text.empty()) return std::nullopt;
  return text;
}

// Null where the options speak of no TLS.
base::Result<std::unique_ptr<tls::ServerOptions>, std::string> read_tls(const Options& options) {
  auto made = std::make_unique<tls::ServerOptions>();
  if (options.certificate_file.empty() && options.key_file.empty()) {
    made.reset();
    return made;
  }
  auto certificate = read_file(options.certificate_file);
  auto key = read_file(options.key_file);
  if (!certificate || !key) {
    return fmt::format("{} cannot be read or is empty: give a PEM file",
                       certificate ? options.key_file : options.certificate_file);
  }
  const tls::CertificatePem pem{*std::move(certificate), *std::move(key)};
  auto certificates = tls::ServerCertificates::from_pem({&pem, 1});
  if (!certificates) {
    return fmt::format("{}: {}", options.certificate_file, certificates.error().why);
  }
  made->certificates = *std::move(certificates);
  // A client may come back to any of the threads.
  made->ticket_keys = std::make_shared<tls::TicketKeys>();
  return made;
}

using Threads = std::vector<std::unique_ptr<Thread>>;

Threads make_threads(Shared& shared,
                     const tls::ServerOptions* tls_options,
                     net::BoundSockets& bound) {
  Threads threads;
  for (size_t i = 0; i < shared.options.threads; ++i) {
    std::unique_ptr<tls::ServerContext> tls;
    if (tls_options != nullptr) tls = std::make_unique<tls::ServerContext>(*tls_options);
    threads.push_back(
        std::make_unique<Thread>(shared, i, std::move(bound.sockets[i]), std::move(tls)));
  }
  return threads;
}

}  // namespace

std::optional<std::string> problem_of(const Options& options) {
  if (auto refused = refuse_options(options)) return refused;
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return "TLS needs a certificate and its key: give both files, or neither";
  }
  const auto faults = FaultPlan::make(options.faults, options.seed);
  if (!faults) return faults.error();
  const auto address = read_address(options.listen);
  if (!address) return address.error();
  return {};
}

base::Result<Counts, std::string> serve(const Options& options,
                                        const std::function<void(uint16_t port)>& on_listening,
                                        const std::atomic<bool>& stop) {
  if (const auto problem = problem_of(options)) return *problem;
  auto faults = FaultPlan::make(options.faults, options.seed);
  if (!faults) return faults.error();
  const auto address = read_address(options.listen);
  if (!address) return address.error();
  const auto tls_options = read_tls(options);
  if (!tls_options) return tls_options.error();

  // A connection is a descriptor. Where there are not enough, fewer are served at a time.
  static_cast<void>(base::raise_descriptor_limit());
  (void)blocks();  // made here, or the first request would wait for them
  Shared shared(options, *std::move(faults));
  auto bound = net::bind_listener(*address, options.threads);
  if (!bound) return bound.error();
  const Threads workers = make_threads(shared, tls_options->get(), *bound);

  std::vector<std::thread> threads;
  for (const auto& worker : workers)
    threads.emplace_back([&worker = *worker] { worker.run(); });
  on_listening(bound->address.port);
  while (!stop)
    std::this_thread::sleep_for(stop_check);
  for (const auto& worker : workers)
    worker->stop();
  for (std::thread& thread : threads)
    thread.join();
  net::remove_socket_file(bound->address);
  return shared.counts();
}

}  // namespace bench::serve
