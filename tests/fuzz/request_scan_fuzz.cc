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
  if (data[0] == 'f') return 0;
  const auto expected = support::expected_request(body);
  if (!expected) return 0;
  require(whole.is_known(), "a body that is JSON is unknown", body);
  if (*expected != support::found_request(whole)) {
    std::fprintf(
        stderr, "expected %s\nfound    %s\n", to_text(*expected).c_str(), described(whole).c_str());
    require(false, "found otherwise", body);
  }
  check_edit(whole, std::string(body), *expected);
  return 0;
}
