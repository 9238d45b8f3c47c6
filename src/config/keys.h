#pragma once

// Every key of the configuration, with its kind and its bounds: the one list that YamlReader,
// YamlWriter and so the refusal of unknown keys go by. A new key is a line here.
//
// A visitor has: field(name, value, kind); field_if_set, the same for a value that has no default;
// list(name, values, kind); list_or_word(name, word, values, kind), the word standing for nothing;
// section(name, struct); sections(name, structs) for a list of them; section_if_set and
// sections_if_set for those that need not be there; named_sections(name, map, what each begins as,
// the kind of their names);
// items(name, values, kind) for a list of sections of which each may be a single value, and
// items_if_set; list_if_set.

#include "config/config.h"
#include "config/limit_scalars.h"
#include "config/redis_url.h"
#include "config/scalars.h"

namespace config {

inline constexpr uint32_t connections_max = 1'000'000;
inline constexpr uint64_t memory_limit_min = 16 << 20;      // the program alone takes half of it
inline constexpr int64_t rate_limit_max = 100'000'000'000;  // a minute, of what policy::Rate takes
inline constexpr uint64_t rate_max = 1 << 20;  // a minimum above this would be a mistake

template <class Visitor>
void describe(Visitor& visitor, ProxyProtocol& proxy_protocol) {
  visitor.list("from", proxy_protocol.from, NetworkText{});
}

template <class Visitor>
void describe(Visitor& visitor, CertificateFiles& files) {
  visitor.field("certificate", files.certificate, FileName{});
  visitor.field("key", files.key, FileName{});
}

template <class Visitor>
void describe(Visitor& visitor, ListenTls& tls) {
  visitor.field("certificate", tls.certificate, FileName{});
  visitor.field("key", tls.key, FileName{});
  visitor.sections_if_set("certificates", tls.certificates);
  visitor.field("min_version", tls.min_version, tls_versions);
  visitor.field_if_set("client_ca", tls.client_ca, FileName{});
}

template <class Visitor>
void describe(Visitor& visitor, Listen& listen) {
  visitor.field("address", listen, ListenText{});  // first: it sets the whole
  visitor.section("proxy_protocol", listen.proxy_protocol);
  visitor.section_if_set("tls", listen.tls);
  visitor.field("redirect_to_https", listen.redirect_to_https, Flag{});
  visitor.field_if_set("acme_webroot", listen.acme_webroot, FileName{});
}

// What clients and keys have alike.
template <class Visitor, class Limited>
void describe_rates(Visitor& visitor, Limited& limited) {
  visitor.field_if_set("rpm_limit", limited.rpm_limit, Amount{.min = 1, .max = rate_limit_max});
  visitor.field_if_set("tpm_limit", limited.tpm_limit, Amount{.min = 1, .max = rate_limit_max});
  visitor.field_if_set("max_parallel_requests",
                       limited.max_parallel_requests,
                       Count{.min = 1, .max = connections_max});
}

template <class Visitor>
void describe(Visitor& visitor, UpstreamKey& key) {
  visitor.field_if_set("name", key.name, Name{});
  visitor.field("key", key.key, SecretText{});
  visitor.field("weight", key.weight, Count{.min = 1, .max = 1'000});
  visitor.field_if_set("group", key.group, Name{});
  visitor.field_if_set("organization", key.organization, Text{"the id of an organization"});
  visitor.field_if_set("project", key.project, Text{"the id of a project"});
  describe_rates(visitor, key);
}

template <class Visitor>
void describe(Visitor& visitor, UpstreamTls& tls) {
  visitor.field("verify", tls.verify, Flag{});
  visitor.field("ca_file", tls.ca_file, FileName{.words = "system or ", .empty_word = "system"});
  visitor.field("min_version", tls.min_version, tls_versions);
}

template <class Visitor>
void describe(Visitor& visitor, Pool& pool) {
  visitor.field("connections_max", pool.connections_max, Count{.min = 1, .max = connections_max});
  visitor.field("idle_max", pool.idle_max, Count{.max = connections_max});
  visitor.field("idle_timeout", pool.idle_timeout_ms, Duration{});
  visitor.field("waiting_max", pool.waiting_max, Count{.max = connections_max});
  visitor.field("waiting_timeout", pool.waiting_timeout_ms, Duration{});
  visitor.field("warm", pool.warm, Count{.max = connections_max});
}

template <class Visitor>
void describe(Visitor& visitor, UpstreamTimeouts& timeouts) {
  visitor.field("connect", timeouts.connect_ms, Duration{});
  visitor.field("tls_handshake", timeouts.tls_handshake_ms, Duration{});
  visitor.field("unreachable", timeouts.unreachable_ms, Duration{.min_ms = 0});
  visitor.field("first_byte", timeouts.first_byte_ms, Duration{});
  visitor.field("silence", timeouts.silence_ms, Duration{});
  visitor.field("stream_silence", timeouts.stream_silence_ms, Duration{});
}

template <class Visitor>
void describe(Visitor& visitor, Upstream& upstream) {
  visitor.field("url", upstream.url, UpstreamUrl{});
  visitor.field_if_set("host", upstream.host, Authority{});
  visitor.field("origin", upstream.origin, page_origins);
  visitor.items_if_set("keys", upstream.keys, KeyText{});
  visitor.field("key_in", upstream.key_in, KeyPlaceText{});
  visitor.section("tls", upstream.tls);
  visitor.section("pool", upstream.pool);
  visitor.section("timeouts", upstream.timeouts);
}

template <class Visitor>
void describe(Visitor& visitor, Route& route) {
  visitor.field("path", route.path, RoutePath{});
  visitor.field("upstream", route.upstream, Name{});
  visitor.field("strip_prefix", route.strip_prefix, Flag{});
  visitor.field("websockets", route.websockets, Flag{});
  visitor.field("retry_posts", route.retry_posts, Flag{});
}

template <class Visitor>
void describe(Visitor& visitor, WindowLimit& limit) {
  visitor.field_if_set("requests", limit.requests, Amount{.min = 1});
  visitor.field_if_set("tokens", limit.tokens, Amount{.min = 1});
  visitor.field_if_set("budget", limit.budget, Money{.min = 1});
  visitor.field("per", limit.per, PeriodText{});
}

template <class Visitor>
void describe(Visitor& visitor, RequestLimit& limit) {
  visitor.field("input_tokens", limit.input_tokens, Amount{});
  visitor.field("output_tokens", limit.output_tokens, Amount{});
}

template <class Visitor>
void describe(Visitor& visitor, Queue& queue) {
  visitor.field("max", queue.max, Count{.max = connections_max});
  visitor.field("timeout", queue.timeout_ms, Duration{});
}

template <class Visitor>
void describe(Visitor& visitor, Client& client) {
  visitor.field_if_set("token", client.token, SecretText{});
  visitor.field_if_set("token_sha256", client.token_sha256, Sha256Text{});
  visitor.list_if_set("models", client.models, Text{"a model's name, * for any characters"});
  visitor.list_if_set(
      "models_denied", client.models_denied, Text{"a model's name, * for any characters"});
  visitor.list_if_set("paths", client.paths, PathPattern{});
  visitor.list_if_set("addresses", client.addresses, NetworkText{});
  visitor.list_if_set("origins", client.origins, OriginPattern{});
  visitor.field_if_set("expires", client.expires, DateText{});
  describe_rates(visitor, client);
  visitor.field_if_set("max_budget", client.max_budget, Money{.min = 1});
  visitor.field("budget_duration", client.budget_duration, PeriodText{});
  visitor.sections_if_set("limits", client.limits);
  visitor.section("max_request", client.max_request);
  visitor.section("queue", client.queue);
  visitor.field("unmetered", client.unmetered, unmetered_words);
}

template <class Visitor>
void describe(Visitor& visitor, Redis& redis) {
  visitor.field("url", redis.url, RedisUrlText{});
  visitor.field("timeout", redis.timeout_ms, Duration{.min_ms = 1});
  visitor.field("prefix", redis.prefix, Text{"the beginning of keys' names"});
}

template <class Visitor>
void describe(Visitor& visitor, Cors& cors) {
  visitor.field("enabled", cors.enabled, Flag{});
  visitor.list("allow_origins", cors.allow_origins, OriginPattern{});
  visitor.list_or_word("allow_headers", "request", cors.allow_headers, FieldName{});
  visitor.list_or_word("expose_headers", "default", cors.expose_headers, FieldName{});
  visitor.field("max_age", cors.max_age_ms, Duration{.min_ms = 0});
}

template <class Visitor>
void describe(Visitor& visitor, Redirects& redirects) {
  visitor.field("follow", redirects.follow, Flag{});
  // The Fetch standard stops at 20 (4.4, HTTP-redirect fetch).
  visitor.field("max", redirects.max, Count{.min = 1, .max = 20});
}

template <class Visitor>
void describe(Visitor& visitor, Headers& headers) {
  visitor.field("strip_cdn", headers.strip_cdn, Flag{});
  visitor.list("strip_request", headers.strip_request, FieldName{});
  visitor.list("strip_response", headers.strip_response, FieldName{});
  visitor.field("add_forwarded", headers.add_forwarded, Flag{});
  visitor.field("add_via", headers.add_via, Flag{});
}

template <class Visitor>
void describe(Visitor& visitor, Limits& limits) {
  visitor.field("connections_max",
                limits.connections_max,
                Count{.min = 1, .max = connections_max, .zero_word = "auto"});
  visitor.field("when_full", limits.when_full, when_full_words);
  visitor.field("connections_per_address_max",
                limits.connections_per_address_max,
                Count{.min = 1, .max = connections_max, .zero_word = "off"});
  visitor.field("head_bytes_max", limits.head_bytes_max, Size{.min = 1 << 10, .max = 1 << 20});
  visitor.field("fields_max", limits.fields_max, Count{.min = 8, .max = 10'000});
  visitor.field("url_bytes_max", limits.url_bytes_max, Size{.min = 256, .max = 1 << 20});
  visitor.field(
      "pipelined_bytes_max", limits.pipelined_bytes_max, Size{.min = 1 << 10, .max = 16 << 20});
  visitor.field("requests_per_connection_max",
                limits.requests_per_connection_max,
                Count{.min = 1, .zero_word = "off"});
  visitor.field("body_bytes_max", limits.body_bytes_max, Size{});
  visitor.field("replay_bytes_max", limits.replay_bytes_max, Size{.max = 64 << 20});
  visitor.field(
      "inspect_bytes_max", limits.inspect_bytes_max, Size{.min = 1 << 10, .max = 64 << 20});
}

template <class Visitor>
void describe(Visitor& visitor, Timeouts& timeouts) {
  visitor.field("request_head", timeouts.request_head_ms, Duration{});
  visitor.field("request_body_silence", timeouts.request_body_silence_ms, Duration{});
  visitor.field("request_body_rate_min", timeouts.request_body_rate_min, Size{.max = rate_max});
  visitor.field("response_write_silence", timeouts.response_write_silence_ms, Duration{});
  visitor.field("response_write_rate_min", timeouts.response_write_rate_min, Size{.max = rate_max});
  visitor.field("keep_alive", timeouts.keep_alive_ms, Duration{});
  visitor.field("unreachable", timeouts.unreachable_ms, Duration{.min_ms = 0});
  visitor.field("drain", timeouts.drain_ms, Duration{.min_ms = 0});
}

template <class Visitor>
void describe(Visitor& visitor, Log& log) {
  visitor.field("level", log.level, log_levels);
  visitor.field("access", log.access, FileName{.words = "stdout, off or "});
  visitor.field("format", log.format, log_formats);
}

template <class Visitor>
void describe(Visitor& visitor, Admin& admin) {
  visitor.field("listen", admin.listen, ListenOrOff{});
}

template <class Visitor>
void describe(Visitor& visitor, State& state) {
  visitor.field("file", state.file, FileName{.words = "none or ", .empty_word = "none"});
}

template <class Visitor>
void describe(Visitor& visitor, ModelPrice& price) {
  visitor.field("input", price.input, Money{});
  visitor.field_if_set("cached", price.cached, Money{});
  visitor.field_if_set("cache_write", price.cache_write, Money{});
  visitor.field("output", price.output, Money{});
  visitor.field("per_request", price.per_request, Money{});
}

template <class Visitor>
void describe(Visitor& visitor, Usage& usage) {
  visitor.field("force", usage.force, Flag{});
  visitor.named_sections("prices", usage.prices, ModelPrice{}, ModelName{});
}

template <class Visitor>
void describe(Visitor& visitor, Config& config) {
  visitor.items("listen", config.listen, ListenText{});
  visitor.field("workers", config.workers, Count{.min = 1, .max = 1024, .zero_word = "auto"});
  visitor.field(
      "memory_limit", config.memory_limit, Size{.min = memory_limit_min, .zero_word = "off"});
  visitor.named_sections("upstreams", config.upstreams, Upstream{}, Name{});
  visitor.sections("routes", config.routes);
  visitor.section("client_defaults", config.client_defaults);
  visitor.named_sections("clients", config.clients, config.client_defaults, Name{});
  visitor.field("allow_anonymous", config.allow_anonymous, Flag{});
  visitor.field("me_path", config.me_path, RoutePath{});
  visitor.field("timezone", config.timezone, ZoneName{});
  visitor.section("state", config.state);
  visitor.section("usage", config.usage);
  visitor.section("redis", config.redis);
  visitor.section("cors", config.cors);
  visitor.section("redirects", config.redirects);
  visitor.section("headers", config.headers);
  visitor.section("limits", config.limits);
  visitor.section("timeouts", config.timeouts);
  visitor.section("log", config.log);
  visitor.section("admin", config.admin);
}

}  // namespace config
