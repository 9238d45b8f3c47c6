#include "observe/metrics.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <string_view>

namespace observe {
namespace {

template <class Get>
uint64_t sum(std::span<const Metrics* const> workers, Get get) {
  uint64_t total = 0;
  for (const Metrics* worker : workers)
    total += get(*worker).value();
  return total;
}

struct Plain {
  std::string_view name;
  std::string_view type;
  std::string_view help;
  Counter Metrics::*counter;
};

constexpr std::array plain_metrics = {
    Plain{"client_connections_total",
          "counter",
          "Client connections accepted.",
          &Metrics::client_connections},
    Plain{"client_connections",
          "gauge",
          "Client connections open now.",
          &Metrics::client_connections_open},
    Plain{"accepts_held_total",
          "counter",
          "Times accepting stopped at the connection limit.",
          &Metrics::accepts_held},
    Plain{"accepts_failed_total",
          "counter",
          "Times accepting failed, for want of descriptors most likely; it was tried again.",
          &Metrics::accepts_failed},
    Plain{"clients_too_slow_total",
          "counter",
          "Clients cut for sending a head or body, or reading a response, too slowly.",
          &Metrics::clients_too_slow},
    Plain{"memory_refused_total",
          "counter",
          "Requests answered with 503 near memory_limit.",
          &Metrics::memory_refused},
    Plain{"memory_cut_total",
          "counter",
          "Clients cut at memory_limit: those that held most.",
          &Metrics::memory_cut},
    Plain{"exchanges", "gauge", "Requests being served now.", &Metrics::exchanges_open},
    Plain{"bytes_up_total", "counter", "Request body bytes received.", &Metrics::bytes_up},
    Plain{"bytes_down_total", "counter", "Response body bytes sent.", &Metrics::bytes_down},
    Plain{"upstream_connections_total",
          "counter",
          "Upstream connections dialled.",
          &Metrics::upstream_connections},
    Plain{"upstream_connections",
          "gauge",
          "Upstream connections open now.",
          &Metrics::upstream_connections_open},
    Plain{"upstream_connections_failed_total",
          "counter",
          "Upstream dials that failed.",
          &Metrics::upstream_connections_failed},
    Plain{"upstream_reused_total",
          "counter",
          "Requests sent on a pooled connection.",
          &Metrics::upstream_reused},
    Plain{"upstream_retries_total",
          "counter",
          "Requests sent again after a stale connection.",
          &Metrics::upstream_retries},
    Plain{
        "redirects_followed_total", "counter", "Redirects followed.", &Metrics::redirects_followed},
    Plain{"tunnels_total", "counter", "Upgraded connections.", &Metrics::tunnels},
};

// As a label's value has it in Prometheus' text format.
std::string label_text(std::string_view text) {
  std::string label;
  for (const char c : text) {
    if (c == '\\' || c == '"') label += '\\';
    label += c == '\n' ? ' ' : c;
  }
  return label;
}

// One line for each value of a label.
template <size_t count, class ValueOf>
void append_values(std::string& text,
                   std::span<const Metrics* const> workers,
                   std::string_view name,
                   std::array<Counter, count> Metrics::*counters,
                   std::string_view label,
                   ValueOf value_of) {
  for (size_t i = 0; i < count; ++i) {
    fmt::format_to(std::back_inserter(text),
                   "openai_proxy_{}{{{}=\"{}\"}} {}\n",
                   name,
                   label,
                   value_of(i),
                   sum(workers, [&](const Metrics& worker) -> const Counter& {
                     return (worker.*counters)[i];
                   }));
  }
}

}  // namespace

void Metrics::count(const Summary& summary) {
  exchanges[static_cast<size_t>(summary.outcome)].add();
  // 600 to 999 are no statuses, but to be read as a server's error (RFC 9110 15).
  responses[std::min<size_t>(summary.status / 100, status_classes - 1)].add();
  bytes_up.add(summary.bytes_up);
  bytes_down.add(summary.bytes_down);
}

std::string_view refusal_name(Refusal reason) {
  switch (reason) {
    case Refusal::full:
      return "full";
    case Refusal::address:
      return "per_address";
    case Refusal::header:
      return "proxy_header";
    case Refusal::no_tls:
      return "no_tls";
    case Refusal::memory:
      return "memory";
  }
  return "unknown";
}

std::string_view handshake_name(Handshake end) {
  switch (end) {
    case Handshake::full:
      return "full";
    case Handshake::resumed:
      return "resumed";
    case Handshake::failed:
      return "failed";
  }
  return "unknown";
}

std::string to_prometheus(std::span<const Metrics* const> workers, const ProcessFigures& process) {
  std::string text;
  const auto out = std::back_inserter(text);
  const auto head = [&](std::string_view name, std::string_view type, std::string_view help) {
    fmt::format_to(
        out, "# HELP openai_proxy_{0} {1}\n# TYPE openai_proxy_{0} {2}\n", name, help, type);
  };
  for (const Plain& metric : plain_metrics) {
    head(metric.name, metric.type, metric.help);
    fmt::format_to(
        out,
        "openai_proxy_{} {}\n",
        metric.name,
        sum(workers, [&](const Metrics& m) -> const Counter& { return m.*metric.counter; }));
  }
  head("connections_refused_total", "counter", "Client connections turned away, by why.");
  append_values(text,
                workers,
                "connections_refused_total",
                &Metrics::connections_refused,
                "reason",
                [](size_t i) { return refusal_name(static_cast<Refusal>(i)); });
  head("client_handshakes_total", "counter", "TLS handshakes with clients, by how they ended.");
  append_values(text,
                workers,
                "client_handshakes_total",
                &Metrics::client_handshakes,
                "result",
                [](size_t i) { return handshake_name(static_cast<Handshake>(i)); });
  head("exchanges_total", "counter", "Requests ended, by how.");
  append_values(text, workers, "exchanges_total", &Metrics::exchanges, "outcome", [](size_t i) {
    return outcome_name(static_cast<Outcome>(i));
  });
  head("responses_total", "counter", "Responses, by class of status; none: no response was sent.");
  append_values(text, workers, "responses_total", &Metrics::responses, "class", [](size_t i) {
    return i == 0 ? std::string("none") : fmt::format("{}xx", i);
  });
  head("access_log_dropped_total", "counter", "Access log lines lost.");
  fmt::format_to(out, "openai_proxy_access_log_dropped_total {}\n", process.access_log_dropped);
  head("memory_bytes", "gauge", "Memory held, as memory_limit counts it.");
  fmt::format_to(out, "openai_proxy_memory_bytes {}\n", process.memory_bytes);
  head("memory_limit_bytes", "gauge", "memory_limit; 0: none.");
  fmt::format_to(out, "openai_proxy_memory_limit_bytes {}\n", process.memory_limit_bytes);
  if (!process.certificates.empty()) {
    head("certificate_not_after_seconds",
         "gauge",
         "When a listener's certificate ends, in seconds since 1970.");
  }
  for (const CertificateFigure& one : process.certificates) {
    fmt::format_to(out,
                   "openai_proxy_certificate_not_after_seconds{{listener=\"{}\",name=\"{}\"}} {}\n",
                   label_text(one.listener),
                   label_text(one.name),
                   one.not_after_s);
  }
  head("workers", "gauge", "Worker threads.");
  fmt::format_to(out, "openai_proxy_workers {}\n", process.workers);
  return text;
}

}  // namespace observe
