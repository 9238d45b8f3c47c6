#pragma once

// What must hold for every page, whatever it shows.

#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "bench/base/json.h"
#include "unit/bench/markup.h"

namespace page_check {

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

inline bench::Json read_back(const std::string& text) {
  auto json = bench::parse_json(text);
  REQUIRE_MESSAGE(json, (json ? "" : json.error()));
  return *json;
}

// Strict markup, nothing fetched, nothing run, ids that are there once and names that point to one.
inline markup::Found check_page(const std::string& html) {
  markup::Found found = markup::read(html);
  CHECK(found.problem == "");
  std::set<std::string> ids;
  std::string named;
  for (const auto& [name, attributes] : found.elements) {
    CHECK(name != "script");
    for (const auto& its : attributes) {
      const auto& [attribute, value] = its;
      CAPTURE(its.first);
      CAPTURE(its.second);
      CHECK_FALSE(attribute.starts_with("on"));
      CHECK(attribute != "src");
      if (attribute == "href") CHECK(value == "data:,");
      if (attribute == "id") CHECK(ids.insert(value).second);
      if (attribute == "aria-labelledby") named += value + " ";
    }
    if (name == "svg") CHECK(attributes.contains("aria-labelledby"));
  }
  std::istringstream names(named);
  for (std::string id; names >> id;) {
    CAPTURE(id);
    CHECK(ids.contains(id));
  }
  CHECK_FALSE(contains(html, "url("));
  CHECK_FALSE(contains(html, "@import"));
  return found;
}

}  // namespace page_check
