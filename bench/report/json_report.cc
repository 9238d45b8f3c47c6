// The report for programs, and what pages are drawn from. Keys: bench/README.md, "JSON".

#include <nlohmann/json.hpp>

#include "bench/base/json.h"
#include "bench/load/scenario.h"
#include "bench/report/figures.h"
#include "bench/report/report.h"

namespace bench::report {
namespace {

using nlohmann::ordered_json;

double microseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

ordered_json json_of_plan(const load::Plan& plan) {
  const bool is_tls = plan.target.origin.scheme == base::Scheme::https;
  ordered_json json = {{"target", target_text(plan)}, {"scenario", works_text(plan)}};
  json["works"] = ordered_json::array();
  for (const load::Work& work : plan.works) {
    json["works"].push_back(
        {{"scenario", load::scenario_name(work.scenario)}, {"weight", work.weight}});
  }
  json["loop"] = plan.rate > 0 ? "open" : "closed";
  if (plan.rate > 0) {
    json["rate_per_s"] = plan.rate;
    json["arrivals"] = plan.arrivals == load::Arrivals::poisson ? "poisson" : "constant";
  }
  json["connections"] = plan.connections;
  json["threads"] = plan.threads;
  json["duration_us"] = microseconds(plan.duration_ns);
  if (plan.requests_max > 0) json["requests_max"] = plan.requests_max;
  json["ramp_us"] = microseconds(plan.ramp_ns);
  json["warmup_us"] = microseconds(plan.warmup_ns);
  json["request_timeout_us"] = microseconds(plan.request_timeout_ns);
  json["stall_us"] = microseconds(plan.stall_ns);
  json["tls"] = is_tls;
  if (is_tls) {
    json["tls_verify"] = plan.tls_verify;
    json["tls_resume"] = plan.tls_resume;
  }
  return json;
}

// What the figures were made on.
ordered_json json_of_machine(const load::Machine& machine) {
  return {{"host", machine.host},
          {"cpu", machine.cpu},
          {"cores", machine.cores},
          {"kernel", machine.kernel}};
}

void add_counts(ordered_json& json, const load::Outcome& outcome) {
  const load::Measures& measures = outcome.measures;
  const auto rate = [&](uint64_t count) {
    return per_second(outcome, static_cast<double>(count));
  };
  json["elapsed_us"] = microseconds(outcome.elapsed_ns);
  json["interrupted"] = outcome.interrupted;
  json["requests"] = measures.requests;
  json["failed"] = measures.failed();
  ordered_json& failures = json["failures"] = ordered_json::object();
  for (size_t i = 0; i < load::failure_count; ++i)
    failures[std::string(load::failure_name(static_cast<load::Failure>(i)))] = measures.failures[i];
  ordered_json statuses = ordered_json::object();
  for (size_t status = 0; status < measures.statuses.size(); ++status) {
    if (measures.statuses[status] > 0) statuses[std::to_string(status)] = measures.statuses[status];
  }
  json["statuses"] = std::move(statuses);
  json["events"] = measures.events;
  json["stalls"] = measures.stalls;
  json["late_starts"] = measures.late_starts;
  json["connections_opened"] = measures.connections;
  json["tls_resumed"] = measures.tls_resumed;
  json["open_streams_peak"] = outcome.open_streams_peak;
  json["bytes_in"] = measures.bytes_in;
  json["bytes_out"] = measures.bytes_out;
  json["requests_per_s"] = rate(measures.requests);
  json["events_per_s"] = rate(measures.events);
  json["bytes_per_s"] = rate(measures.bytes_in + measures.bytes_out);
}

ordered_json json_of_latency(const Histogram& histogram) {
  ordered_json curve = ordered_json::array();
  for (const auto& [percent, value_ns] : percentile_curve(histogram))
    curve.push_back(ordered_json::array({percent, microseconds(value_ns)}));
  return {{"count", histogram.count()},
          {"min", microseconds(histogram.min())},
          {"mean", histogram.mean() / 1e3},
          {"p50", microseconds(histogram.percentile(50))},
          {"p90", microseconds(histogram.percentile(90))},
          {"p99", microseconds(histogram.percentile(99))},
          {"p99_9", microseconds(histogram.percentile(99.9))},
          {"max", microseconds(histogram.max())},
          {"curve", std::move(curve)}};
}

ordered_json json_of_timeline(const std::vector<load::Sample>& timeline) {
  ordered_json json = ordered_json::array();
  for (const load::Sample& sample : timeline) {
    json.push_back({{"at_us", microseconds(sample.at_ns)},
                    {"requests", sample.requests},
                    {"events", sample.events},
                    {"bytes", sample.bytes},
                    {"failures", sample.failures},
                    {"p99_us", microseconds(sample.p99_ns)}});
  }
  return json;
}

ordered_json json_of_use(const load::Outcome& outcome, const load::ProcessUse& use) {
  return {{"cpu_us", microseconds(use.cpu_ns)},
          {"cpu_percent", cpu_percent(outcome, use)},
          {"rss_before_bytes", use.rss_before_bytes},
          {"rss_bytes", use.rss_bytes},
          {"rss_peak_bytes", use.rss_peak_bytes},
          {"threads", use.threads},
          {"open_fds", use.open_fds}};
}

ordered_json json_of_watched(const load::Plan& plan, const load::Outcome& outcome) {
  ordered_json json = json_of_use(outcome, *outcome.watched);
  const Shares shares = shares_of(plan, outcome, *outcome.watched);
  const auto add_share = [&json](const char* name, const std::optional<double>& share) {
    if (share) json[name] = *share;
  };
  add_share("cpu_us_per_request", shares.cpu_us_per_request);
  add_share("cpu_us_per_event", shares.cpu_us_per_event);
  add_share("cpu_us_per_mib", shares.cpu_us_per_mib);
  add_share("rss_bytes_per_stream", shares.rss_bytes_per_stream);
  return json;
}

}  // namespace

std::string json_report(const load::Plan& plan, const load::Outcome& outcome) {
  ordered_json json = {{"kind", "run"}, {"tool", "openai-proxy-bench " OPENAI_PROXY_VERSION}};
  if (is_idle(plan)) {
    if (const auto bytes = memory_per_connection(plan, outcome)) {
      json["memory_per_connection_bytes"] = *bytes;
    }
  }
  json["date"] = outcome.machine.date;
  json["machine"] = json_of_machine(outcome.machine);
  if (!plan.command_line.empty()) json["command_line"] = plan.command_line;
  json["plan"] = json_of_plan(plan);
  add_counts(json, outcome);
  ordered_json latencies = ordered_json::object();
  for (const Latency& latency : latencies_of(outcome.measures)) {
    if (latency.histogram->count() == 0) continue;
    latencies[std::string(latency.name)] = json_of_latency(*latency.histogram);
  }
  json["latency_us"] = std::move(latencies);
  json["timeline"] = json_of_timeline(outcome.timeline);
  json["tool_process"] = json_of_use(outcome, outcome.self);
  if (outcome.watched) json["watched"] = json_of_watched(plan, outcome);
  json["warnings"] = warnings_of(plan, outcome);
  return json_lines(json);
}

}  // namespace bench::report
