// The report for programs, and what pages are drawn from. Keys: bench/README.md, "JSON".

#include "bench/base/json.h"
#include "bench/load/scenario.h"
#include "bench/report/figures.h"
#include "bench/report/report.h"

namespace bench::report {
namespace {

using Layout = JsonWriter::Layout;

double microseconds(uint64_t ns) {
  return static_cast<double>(ns) / 1e3;
}

void write_plan(JsonWriter& json, const load::Plan& plan) {
  const bool is_tls = plan.target.origin.scheme == base::Scheme::https;
  json.key("plan");
  json.open_object();
  json.member("target", target_text(plan));
  json.member("scenario", works_text(plan));
  json.key("works");
  json.open_list(Layout::one_line);
  for (const load::Work& work : plan.works) {
    json.open_object();
    json.member("scenario", load::scenario_name(work.scenario));
    json.member("weight", work.weight);
    json.close_object();
  }
  json.close_list();
  json.member("loop", plan.rate > 0 ? "open" : "closed");
  if (plan.rate > 0) {
    json.member("rate_per_s", plan.rate);
    json.member("arrivals", plan.arrivals == load::Arrivals::poisson ? "poisson" : "constant");
  }
  json.member("connections", plan.connections);
  json.member("threads", plan.threads);
  json.member("duration_us", microseconds(plan.duration_ns));
  if (plan.requests_max > 0) json.member("requests_max", plan.requests_max);
  json.member("ramp_us", microseconds(plan.ramp_ns));
  json.member("warmup_us", microseconds(plan.warmup_ns));
  json.member("request_timeout_us", microseconds(plan.request_timeout_ns));
  json.member("stall_us", microseconds(plan.stall_ns));
  json.member("tls", is_tls);
  if (is_tls) {
    json.member("tls_verify", plan.tls_verify);
    json.member("tls_resume", plan.tls_resume);
  }
  json.close_object();
}

// What the figures were made on, when, and how.
void write_machine(JsonWriter& json, const load::Plan& plan, const load::Machine& machine) {
  json.member("date", machine.date);
  json.key("machine");
  json.open_object();
  json.member("host", machine.host);
  json.member("cpu", machine.cpu);
  json.member("cores", machine.cores);
  json.member("kernel", machine.kernel);
  json.close_object();
  if (!plan.command_line.empty()) json.member("command_line", plan.command_line);
}

void write_counts(JsonWriter& json, const load::Outcome& outcome) {
  const load::Measures& measures = outcome.measures;
  const auto rate = [&](uint64_t count) {
    return per_second(outcome, static_cast<double>(count));
  };
  json.member("elapsed_us", microseconds(outcome.elapsed_ns));
  json.member("interrupted", outcome.interrupted);
  json.member("requests", measures.requests);
  json.member("failed", measures.failed());
  json.key("failures");
  json.open_object(Layout::one_line);
  for (size_t i = 0; i < load::failure_count; ++i) {
    json.member(load::failure_name(static_cast<load::Failure>(i)), measures.failures[i]);
  }
  json.close_object();
  json.key("statuses");
  json.open_object(Layout::one_line);
  for (size_t status = 0; status < measures.statuses.size(); ++status) {
    if (measures.statuses[status] > 0) {
      json.member(std::to_string(status), measures.statuses[status]);
    }
  }
  json.close_object();
  json.member("events", measures.events);
  json.member("stalls", measures.stalls);
  json.member("late_starts", measures.late_starts);
  json.member("connections_opened", measures.connections);
  json.member("tls_resumed", measures.tls_resumed);
  json.member("open_streams_peak", outcome.open_streams_peak);
  json.member("bytes_in", measures.bytes_in);
  json.member("bytes_out", measures.bytes_out);
  json.member("requests_per_s", rate(measures.requests));
  json.member("events_per_s", rate(measures.events));
  json.member("bytes_per_s", rate(measures.bytes_in + measures.bytes_out));
}

void write_latency(JsonWriter& json, const Histogram& histogram) {
  json.open_object();
  json.member("count", histogram.count());
  json.member("min", microseconds(histogram.min()));
  json.member("mean", histogram.mean() / 1e3);
  json.member("p50", microseconds(histogram.percentile(50)));
  json.member("p90", microseconds(histogram.percentile(90)));
  json.member("p99", microseconds(histogram.percentile(99)));
  json.member("p99_9", microseconds(histogram.percentile(99.9)));
  json.member("max", microseconds(histogram.max()));
  json.key("curve");
  json.open_list(Layout::one_line);
  for (const auto& [percent, value_ns] : percentile_curve(histogram)) {
    json.open_list();
    json.value(percent);
    json.value(microseconds(value_ns));
    json.close_list();
  }
  json.close_list();
  json.close_object();
}

void write_timeline(JsonWriter& json, const std::vector<load::Sample>& timeline) {
  json.key("timeline");
  json.open_list();
  for (const load::Sample& sample : timeline) {
    json.open_object(Layout::one_line);
    json.member("at_us", microseconds(sample.at_ns));
    json.member("requests", sample.requests);
    json.member("events", sample.events);
    json.member("bytes", sample.bytes);
    json.member("failures", sample.failures);
    json.member("p99_us", microseconds(sample.p99_ns));
    json.close_object();
  }
  json.close_list();
}

void write_use(JsonWriter& json, const load::Outcome& outcome, const load::ProcessUse& use) {
  json.member("cpu_us", microseconds(use.cpu_ns));
  json.member("cpu_percent", cpu_percent(outcome, use));
  json.member("rss_before_bytes", use.rss_before_bytes);
  json.member("rss_bytes", use.rss_bytes);
  json.member("rss_peak_bytes", use.rss_peak_bytes);
  json.member("threads", use.threads);
  json.member("open_fds", use.open_fds);
}

void write_watched(JsonWriter& json, const load::Plan& plan, const load::Outcome& outcome) {
  json.key("watched");
  json.open_object();
  write_use(json, outcome, *outcome.watched);
  const Shares shares = shares_of(plan, outcome, *outcome.watched);
  const auto write_share = [&json](std::string_view name, const std::optional<double>& share) {
    if (share) json.member(name, *share);
  };
  write_share("cpu_us_per_request", shares.cpu_us_per_request);
  write_share("cpu_us_per_event", shares.cpu_us_per_event);
  write_share("cpu_us_per_mib", shares.cpu_us_per_mib);
  write_share("rss_bytes_per_stream", shares.rss_bytes_per_stream);
  json.close_object();
}

}  // namespace

std::string json_report(const load::Plan& plan, const load::Outcome& outcome) {
  JsonWriter json;
  json.open_object();
  json.member("kind", "run");
  json.member("tool", "openai-proxy-bench " OPENAI_PROXY_VERSION);
  if (is_idle(plan)) {
    if (const auto bytes = memory_per_connection(plan, outcome)) {
      json.member("memory_per_connection_bytes", *bytes);
    }
  }
  write_machine(json, plan, outcome.machine);
  write_plan(json, plan);
  write_counts(json, outcome);
  json.key("latency_us");
  json.open_object();
  for (const Latency& latency : latencies_of(outcome.measures)) {
    if (latency.histogram->count() == 0) continue;
    json.key(latency.name);
    write_latency(json, *latency.histogram);
  }
  json.close_object();
  write_timeline(json, outcome.timeline);
  json.key("tool_process");
  json.open_object();
  write_use(json, outcome, outcome.self);
  json.close_object();
  if (outcome.watched) write_watched(json, plan, outcome);
  json.key("warnings");
  json.open_list();
  for (const std::string& warning : warnings_of(plan, outcome)) {
    json.value(warning);
  }
  json.close_list();
  json.close_object();
  return json.take() + "\n";
}

}  // namespace bench::report
