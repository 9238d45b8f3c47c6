#pragma once

// A strict look at the markup a page is made of, far stricter than any browser.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace markup {

struct Element {
  std::string name;
  std::map<std::string, std::string> attributes;
};

// What reading found: all elements in order, and the first thing that is wrong, or nothing.
struct Found {
  std::vector<Element> elements;
  std::string problem;
};

class Reader {
 public:
  explicit Reader(std::string_view text) : rest_(text) {}

  Found read() {
    constexpr std::string_view doctype = "<!doctype html>";
    if (!rest_.starts_with(doctype)) return {{}, "no doctype"};
    rest_.remove_prefix(doctype.size());
    while (!rest_.empty() && found_.problem.empty()) {
      if (rest_.front() == '<') {
        rest_.starts_with("</") ? read_end() : read_start();
      } else {
        const std::string_view text = rest_.substr(0, rest_.find('<'));
        check_text(text);
        rest_.remove_prefix(text.size());
      }
    }
    if (found_.problem.empty() && !open_.empty()) found_.problem = "open: " + open_.back();
    return std::move(found_);
  }

 private:
  void fail(std::string problem) {
    if (found_.problem.empty()) {
      found_.problem = std::move(problem) + " before: " + std::string(rest_.substr(0, 60));
    }
  }

  void check_text(std::string_view text) {
    for (size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
      const auto entity = text.substr(at, text.substr(at).find(';') + 1);
      static const std::set<std::string_view> known = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
      if (!known.contains(entity)) fail("a bare ampersand");
    }
    if (text.find('>') != std::string_view::npos) fail("a bare >");
    for (const char c : text) {
      if (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') fail("a control");
    }
  }

  void read_end() {
    const std::string name(rest_.substr(2, rest_.find('>') - 2));
    if (open_.empty() || open_.back() != name) {
      fail("an unexpected </" + name + ">");
      return;
    }
    open_.pop_back();
    rest_.remove_prefix(rest_.find('>') + 1);
  }

  void read_start() {
    rest_.remove_prefix(1);
    Element element;
    element.name = take(rest_.find_first_of(" \n/>"));
    while (true) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size()));
      if (rest_.empty() || rest_.front() == '/' || rest_.front() == '>') break;
      const std::string name = take(rest_.find_first_of("= \n/>"));
      if (!rest_.starts_with("=\"")) return fail("an attribute without a quoted value");
      rest_.remove_prefix(2);
      const std::string value = take(rest_.find('"'));
      check_text(value);
      rest_.remove_prefix(1);
      if (!element.attributes.emplace(name, value).second) return fail("an attribute twice");
    }
    const bool is_closed = rest_.starts_with("/>");
    rest_.remove_prefix(std::min<size_t>(is_closed ? 2 : 1, rest_.size()));
    if (element.name == "style") {
      rest_.remove_prefix(std::min(rest_.find("</"), rest_.size()));
    }
    const bool is_void = element.name == "meta" || element.name == "link";
    if (!is_closed && !is_void) open_.push_back(element.name);
    found_.elements.push_back(std::move(element));
  }

  std::string take(size_t size) {
    std::string taken(rest_.substr(0, size));
    rest_.remove_prefix(taken.size());
    return taken;
  }

  std::string_view rest_;
  std::vector<std::string> open_;
  Found found_;
};

inline Found read(std::string_view html) {
  return Reader(html).read();
}

inline size_t count(const Found& found, std::string_view name) {
  return static_cast<size_t>(std::count_if(found.elements.begin(),
                                           found.elements.end(),
                                           [&](const Element& its) { return its.name == name; }));
}

}  // namespace markup
