#include "net/name_files.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/ascii.h"

namespace net {
namespace {

constexpr size_t servers_max = 8;
constexpr size_t search_max = 32;
constexpr size_t ndots_max = 15;
constexpr std::string_view blank = " \t\r\f\v";

// The next word of `line`, taken from its front; empty at the end.
std::string_view take_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(blank), line.size());
  line.remove_prefix(begin);
  const size_t end = std::min(line.find_first_of(blank), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

// The next line of `text`, taken from its front, up to the first of `comment`.
std::string_view take_line(std::string_view& text, std::string_view comment) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return line.substr(0, line.find_first_of(comment));
}

bool is_same_name(std::string_view word, std::string_view lower) {
  if (word.ends_with('.')) word.remove_suffix(1);
  return std::equal(word.begin(), word.end(), lower.begin(), lower.end(), [](char a, char b) {
    return base::to_lower(a) == b;
  });
}

std::string_view without_dots_at_end(std::string_view name) {
  while (name.ends_with('.'))
    name.remove_suffix(1);
  return name;
}

void parse_options(std::string_view line, ResolvConf& conf) {
  constexpr std::string_view ndots = "ndots:";
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    if (!word.starts_with(ndots)) continue;
    word.remove_prefix(ndots.size());
    size_t value = 0;
    const auto parsed = std::from_chars(word.data(), word.data() + word.size(), value);
    if (parsed.ec == std::errc()) conf.ndots = std::min(value, ndots_max);
  }
}

}  // namespace

std::vector<Address> find_host(std::string_view hosts, std::string_view name) {
  std::vector<Address> found;
  while (!hosts.empty()) {
    std::string_view line = take_line(hosts, "#");
    const std::string_view address = take_word(line);
    bool is_named = false;
    for (auto word = take_word(line); !word.empty() && !is_named; word = take_word(line))
      is_named = is_same_name(word, name);
    if (!is_named) continue;
    if (const auto parsed = Address::parse(address, 0)) found.push_back(*parsed);
  }
  return found;
}

ResolvConf parse_resolv_conf(std::string_view text, uint16_t port) {
  ResolvConf conf;
  while (!text.empty()) {
    std::string_view line = take_line(text, "#;");
    const std::string_view keyword = take_word(line);
    if (keyword == "nameserver") {
      const auto server = Address::parse(take_word(line), port);
      if (server && conf.servers.size() < servers_max) conf.servers.push_back(*server);
    } else if (keyword == "search" || keyword == "domain") {
      conf.search.clear();  // the last line of either counts
      for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
        word = without_dots_at_end(word);
        if (!word.empty() && conf.search.size() < search_max) conf.search.emplace_back(word);
      }
    } else if (keyword == "options") {
      parse_options(line, conf);
    }
  }
  if (conf.servers.empty()) conf.servers.push_back(*Address::parse("127.0.0.1", port));
  return conf;
}

std::vector<std::string> names_to_ask(const ResolvConf& conf, std::string_view host) {
  const std::string name(without_dots_at_end(host));
  if (host.ends_with('.')) return {name};
  std::vector<std::string> names;
  for (const std::string& domain : conf.search)
    names.emplace_back(name).append(".").append(domain);
  const auto dots = static_cast<size_t>(std::count(name.begin(), name.end(), '.'));
  names.insert(dots >= conf.ndots ? names.begin() : names.end(), name);
  return names;
}

}  // namespace net
