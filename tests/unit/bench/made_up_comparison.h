#pragma once

// Comparisons made up for tests, as JSON.

#include <string>

namespace made_up {

inline constexpr auto contestants = R"("contestants": [
  {"name": "openai-proxy", "version": "1", "role": "ours"},
  {"name": "nginx", "version": "2"},
  {"name": "haproxy & <co>"},
  {"name": "direct", "role": "baseline"}],)";

// A comparison with one row, lower is better, of these values.
inline std::string comparison(const std::string& values, const std::string& better = "lower") {
  return std::string(R"({"kind": "comparison", "title": "Us <and> them", "rounds": 5,)") +
         contestants +
         R"("missing": [{"name": "envoy", "why": "not installed"}], "machine": {"cores": 2},)"
         R"("rows": [{"key": "k", "name": "CPU per request", "unit": "us", "better": ")" +
         better + R"(", "values": [)" + values + "]}]}";
}

inline std::string value(const std::string& name, double median, double spread = 0) {
  return R"({"contestant": ")" + name + R"(", "median": )" + std::to_string(median) +
         R"(, "min": )" + std::to_string(median - spread) + R"(, "max": )" +
         std::to_string(median + spread) + "}";
}

}  // namespace made_up
