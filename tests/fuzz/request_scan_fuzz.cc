// Bodies of requests: however they are cut the same is found, it is what nlohmann/json finds, and a
// body edited to ask for usage asks for it and for nothing else. The first byte says whether it is
// a form.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "openai/request_scan.h"
#include "support/request_oracle.h"

namespace {

void require(bool holds, std::string_view what, std::string_view body) {
  if (holds) return;
  std::fprintf(stderr,
               "%.*s: %.*s\n",
               static_cast<int>(what.size()),
               what.data(),
               static_cast<int>(body.size()),
               body.data());
  std::abort();
}

// Fed in pieces of at most `longest`, each in memory of its own.
openai::RequestScan scanned(std::string_view type, std::string_view body, size_t longest) {
  std::minstd_rand random(static_cast<uint32_t>(body.size()));
  openai::RequestScan scan(type);
  while (!body.empty()) {
    const size_t size = std::min<size_t>(body.size(), 1 + random() % longest);
    const std::vector<char> piece(body.begin(), body.begin() + static_cast<ptrdiff_t>(size));
    body.remove_prefix(size);
    scan.feed(base::as_bytes({piece.data(), piece.size()}));
  }
  scan.finish(true);
  return scan;
}

std::string described(const openai::RequestScan& scan) {
  const openai::BodyEdit edit = scan.include_usage_edit();
  return to_text(support::found_request(scan)) + (scan.is_known() ? " known " : " unknown ") +
         std::to_string(scan.text_bytes()) + " " + std::to_string(edit.offset) + " " +
         std::to_string(edit.removed_bytes) + " " + std::string(edit.text);
}

// Whether nothing is in it that only nlohmann/json minds: what is in strings, numbers beyond a
// double, and what stands too deep.
bool is_plain(std::string_view body) {
  size_t depth = 0;
  for (size_t i = 0; i < body.size(); ++i) {
    const char c = body[i];
    if (c < ' ' || c > '~' || c == '\\') return false;
    if ((c == 'e' || c == 'E') && i > 0 && body[i - 1] >= '.' && body[i - 1] <= '9') return false;
    depth += c == '{' || c == '[' ? 1 : 0;
  }
  return depth < openai::JsonReader::depth_max && body.size() < 256;
}

void check_edit(const openai::RequestScan& scan, std::string body, support::RequestFacts expected) {
  const openai::BodyEdit edit = scan.include_usage_edit();
  if (!edit.is_needed()) return;
  require(edit.offset + edit.removed_bytes <= body.size(), "an edit beyond the body", body);
  body.replace(edit.offset, edit.removed_bytes, edit.text);
  expected.include_usage = true;
  const auto found = support::expected_request(body);
  require(found && found->stream, "an edit that breaks the body", body);
  require(*found == expected, "an edit that says something else", body);
}

// The form's delimiters looked for in the whole of it. Only its fields named "model" with the
// plainest of heads are compared, and only where there is nothing else.
void check_form(const openai::RequestScan& scan, std::string_view body) {
  constexpr std::string_view delimiter = "\r\n--x";
  constexpr std::string_view head = "Content-Disposition: form-data; name=\"model\"\r\n\r\n";
  const std::string text = "\r\n" + std::string(body);
  std::vector<std::string> models;
  size_t at = text.find(delimiter);
  for (; at != std::string::npos;) {
    at += delimiter.size();
    if (text.compare(at, 2, "--") == 0) break;
    if (text.compare(at, 2, "\r\n") != 0) return;
    at += 2;
    if (text.compare(at, head.size(), head) != 0) return;
    // A part may be empty: its delimiter then begins with its head's last line end.
    const size_t end = text.find(delimiter, at + head.size() - 2);
    if (end == std::string::npos) break;
    const size_t begin = at + head.size();
    models.push_back(end < begin ? "" : text.substr(begin, end - begin));
    at = end;
  }
  const bool is_whole = at != std::string::npos && text.compare(at, 2, "--") == 0;
  require(scan.is_known() == is_whole, "a form that is whole for one and not for the other", body);
  if (!is_whole || models.empty()) return;
  const bool is_one =
      std::all_of(models.begin(), models.end(), [&](const auto& m) { return m == models[0]; });
  require(scan.model().is_there(), "a form's model is not found", body);
  if (!is_one) require(!scan.model().is_known(), "one of two models", body);
  if (scan.model().is_known()) require(scan.model().text() == models[0], "another model", body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::string_view type =
      data[0] == 'f' ? "multipart/form-data; boundary=\"x\"" : "application/json";
  const openai::RequestScan whole = scanned(type, body, size_t{1} << 30);
  for (const size_t longest : {size_t{1}, size_t{2}, size_t{30}}) {
    require(described(scanned(type, body, longest)) == described(whole), "cut otherwise", body);
  }
  require(whole.text_bytes() <= whole.bytes(), "more text than bytes", body);
  if (data[0] == 'f') {
    check_form(whole, body);
    return 0;
  }
  const auto expected = support::expected_request(body);
  if (!expected) {
    require(!is_plain(body) || !whole.is_known(), "a body that is no JSON is known", body);
    return 0;
  }
  require(whole.is_known(), "a body that is JSON is unknown", body);
  if (*expected != support::found_request(whole)) {
    std::fprintf(
        stderr, "expected %s\nfound    %s\n", to_text(*expected).c_str(), described(whole).c_str());
    require(false, "found otherwise", body);
  }
  check_edit(whole, std::string(body), *expected);
  return 0;
}
