#pragma once

// The kinds of values a configuration holds: each reads itself from text, writes itself back the
// same way, and can say what it expects. Pure; no YAML, no keys.

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/log.h"
#include "base/network.h"
#include "base/url.h"
#include "config/config.h"

namespace config {

// A kind has `parse`: text to value, nothing where it is not one; `print`: its inverse, for any
// value parse() can give; `expected`: what a person should have written, to stand after "expected
// ".

struct Flag {
  [[nodiscard]] static std::optional<bool> parse(std::string_view text);
  [[nodiscard]] static std::string print(bool value) { return value ? "true" : "false"; }
  [[nodiscard]] static std::string expected() { return "true or false"; }
};

// A whole number. With `zero_word`, that word stands for 0 and the bare 0 is refused.
struct Count {
  uint32_t min = 0;
  uint32_t max = std::numeric_limits<uint32_t>::max();
  std::string_view zero_word = {};

  [[nodiscard]] std::optional<uint32_t> parse(std::string_view text) const;
  [[nodiscard]] std::string print(uint32_t value) const;
  [[nodiscard]] std::string expected() const;
};

// Milliseconds, written 500ms, 55s, 15m or 24h. The longest is a week.
struct Duration {
  static constexpr uint32_t max_ms = 7 * 24 * 3'600'000;
  uint32_t min_ms = 1;  // 0: "0" is accepted

  [[nodiscard]] std::optional<uint32_t> parse(std::string_view text) const;
  [[nodiscard]] static std::string print(uint32_t value_ms);
  [[nodiscard]] std::string expected() const;
};

// Bytes, written 4096, 64KiB, 10MB, 1GiB. With `zero_word`, that word stands for 0 and the bare 0
// is refused.
struct Size {
  uint64_t min = 0;
  uint64_t max = std::numeric_limits<int64_t>::max();
  std::string_view zero_word = {};

  [[nodiscard]] std::optional<uint64_t> parse(std::string_view text) const;
  [[nodiscard]] std::string print(uint64_t value) const;
  [[nodiscard]] std::string expected() const;
};

// One word of a few.
template <class E, size_t n>
struct Choice {
  std::array<std::pair<std::string_view, E>, n> words;

  [[nodiscard]] std::optional<E> parse(std::string_view text) const {
    for (const auto& [word, value] : words) {
      if (word == text) return value;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::string print(E value) const {
    for (const auto& [word, candidate] : words) {
      if (candidate == value) return std::string(word);
    }
    return {};
  }
  [[nodiscard]] std::string expected() const {
    std::string list;
    for (size_t i = 0; i < n; ++i) {
      if (i > 0) list += i + 1 == n ? " or " : ", ";
      list += words[i].first;
    }
    return list;
  }
};

struct LogLevelWord {
  [[nodiscard]] static std::optional<base::LogLevel> parse(std::string_view text) {
    return words.parse(text == "warn" ? "warning" : text);
  }
  [[nodiscard]] static std::string print(base::LogLevel value) { return words.print(value); }
  [[nodiscard]] static std::string expected() { return words.expected(); }

 private:
  static constexpr Choice<base::LogLevel, 4> words{{{{"debug", base::LogLevel::debug},
                                                     {"info", base::LogLevel::info},
                                                     {"warning", base::LogLevel::warning},
                                                     {"error", base::LogLevel::error}}}};
};
inline constexpr LogLevelWord log_levels;
inline constexpr Choice<LogFormat, 2> log_formats{
    {{{"json", LogFormat::json}, {"text", LogFormat::text}}}};
inline constexpr Choice<WhenFull, 2> when_full_words{
    {{{"wait", WhenFull::wait}, {"refuse", WhenFull::refuse}}}};
inline constexpr Choice<PageOrigin, 3> page_origins{
    {{{"auto", PageOrigin::automatic}, {"keep", PageOrigin::keep}, {"drop", PageOrigin::drop}}}};
inline constexpr Choice<Unmetered, 2> unmetered_words{
    {{{"refuse", Unmetered::refuse}, {"allow", Unmetered::allow}}}};
inline constexpr Choice<TlsVersion, 2> tls_versions{
    {{{"1.2", TlsVersion::tls1_2}, {"1.3", TlsVersion::tls1_3}}}};

// An address to listen on.
struct ListenText {
  [[nodiscard]] static std::optional<Listen> parse(std::string_view text);
  [[nodiscard]] static std::string print(const Listen& value) { return value.text(); }
  [[nodiscard]] static std::string expected();
};

// The same, or `off`.
struct ListenOrOff {
  [[nodiscard]] static std::optional<std::optional<Listen>> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::optional<Listen>& value);
  [[nodiscard]] static std::string expected() { return ListenText::expected() + ", or off"; }
};

// Addresses that may tell whose connection they forward.
struct NetworkText {
  [[nodiscard]] static std::optional<base::Network> parse(std::string_view text) {
    return base::Network::parse(text);
  }
  [[nodiscard]] static std::string print(const base::Network& value) { return value.text(); }
  [[nodiscard]] static std::string expected() {
    return "an address, a network such as 10.0.0.0/8 without bits behind its prefix, or unix";
  }
};

// Where an upstream is: an http(s) URL with at most a base path, or a unix socket.
struct UpstreamUrl {
  [[nodiscard]] static std::optional<base::Url> parse(std::string_view text);
  [[nodiscard]] static std::string print(const base::Url& value);
  [[nodiscard]] static std::string expected();
  // `text` as far as it may be shown: users put passwords and keys into URLs.
  [[nodiscard]] static std::string shown(std::string_view text);
  // What is wrong with `text`, which parse() refused, and what to write instead; "" where that
  // cannot be told. Static text.
  [[nodiscard]] static std::string_view hint(std::string_view text);
};

// "host" or "host:port", as Host carries it.
struct Authority {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected() { return "a host name, with :PORT where needed"; }
};

// A web origin as browsers write it (RFC 6454 6.2), "*", "null", or one with a wildcard as the
// leftmost label. Kept as browsers write it: lower case, no default port.
struct OriginPattern {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected();
};

// A header field's name (RFC 9110 5.1), kept in lower case.
struct FieldName {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected() { return "the name of a header field"; }
};

// The beginning of a request's path, in plain characters; a slash or "/*" at its end means nothing.
struct RoutePath {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected();
  // As UpstreamUrl's.
  [[nodiscard]] static std::string_view hint(std::string_view text);
  // What to say of `text`, which parse() took for what it seems to mean; mostly "". Static text.
  [[nodiscard]] static std::string_view advice(std::string_view text);
};

// A key, ours or an upstream's name: such names stand in paths of keys, in logs and in metrics.
struct Name {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected();
};

// An API key or a token: what may stand in a header field, without blanks. The text as the file has
// it tells whether the secret stands there or is only named.
struct SecretText {
  static constexpr size_t bytes_max = 4096;

  [[nodiscard]] static std::optional<Secret> parse(std::string_view text, std::string_view written);
  [[nodiscard]] static std::string print(const Secret& value) { return value.shown(); }
  [[nodiscard]] static std::string expected();
  // Nothing of it.
  [[nodiscard]] static std::string shown(std::string_view text);
  // print() names where it comes from, for the reader to fill in again.
  static constexpr bool prints_variables = true;
};

// The same as an upstream's key without further ado.
struct KeyText {
  [[nodiscard]] static std::optional<UpstreamKey> parse(std::string_view text,
                                                        std::string_view written);
  [[nodiscard]] static std::string expected() { return SecretText::expected(); }
  [[nodiscard]] static std::string shown(std::string_view text) { return SecretText::shown(text); }
};

// 64 hex digits, kept in lower case.
struct Sha256Text {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected();
  // A token put there by mistake is not shown.
  [[nodiscard]] static std::string shown(std::string_view text) { return SecretText::shown(text); }
};

// Where a key goes: authorization, a header's name, or query:NAME.
struct KeyPlaceText {
  [[nodiscard]] static std::optional<KeyPlace> parse(std::string_view text);
  [[nodiscard]] static std::string print(const KeyPlace& value);
  [[nodiscard]] static std::string expected();
};

// A day, 2027-01-31.
struct DateText {
  [[nodiscard]] static std::optional<Date> parse(std::string_view text);
  [[nodiscard]] static std::string print(const Date& value);
  [[nodiscard]] static std::string expected() { return "a day, such as 2027-01-31"; }
};

// Paths of requests, with * for any run of characters.
struct PathPattern {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected() { return "a path from its slash on, such as /v1/*"; }
};

// Text for a header field's value, or a pattern: visible characters, no blank at its ends.
struct Text {
  std::string_view what;  // for expected()

  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] std::string expected() const { return std::string(what); }
};

// What an API calls a model, as a key: letters, digits and what stands between them.
struct ModelName {
  [[nodiscard]] static std::optional<std::string> parse(std::string_view text);
  [[nodiscard]] static std::string print(const std::string& value) { return value; }
  [[nodiscard]] static std::string expected() { return "a model's name"; }
};

// A file's name. With `empty_word`, that word stands for the empty name.
struct FileName {
  std::string_view words;  // for expected(): "stdout, off or "
  std::string_view empty_word = {};

  [[nodiscard]] std::optional<std::string> parse(std::string_view text) const;
  [[nodiscard]] std::string print(const std::string& value) const;
  [[nodiscard]] std::string expected() const { return std::string(words) + "the name of a file"; }
};

}  // namespace config
