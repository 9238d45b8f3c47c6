// Answers: however they are cut the same usage is found, and it is what nlohmann/json finds; of a
// stream only the chunk with usage alone is taken. The first byte says how the answer comes.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "openai/usage_chunk_filter.h"
#include "openai/usage_scan.h"
#include "support/usage_chunk_oracle.h"
#include "support/usage_oracle.h"

namespace {

using Form = openai::UsageScan::Form;

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

// Calls `take` with pieces of at most `longest`, each in memory of its own.
template <class Take>
void cut(std::string_view body, size_t longest, Take take) {
  std::minstd_rand random(static_cast<uint32_t>(body.size()));
  while (!body.empty()) {
    const size_t size = std::min<size_t>(body.size(), 1 + random() % longest);
    const std::vector<char> piece(body.begin(), body.begin() + static_cast<ptrdiff_t>(size));
    body.remove_prefix(size);
    take(base::as_bytes({piece.data(), piece.size()}));
  }
}

openai::UsageScan scanned(Form form, std::string_view body, size_t longest) {
  openai::UsageScan scan(form);
  while (form == Form::messages && !body.empty()) {
    const size_t size = std::min(body.find('\n'), body.size());
    cut(body.substr(0, size), longest, [&](base::Bytes piece) { scan.feed(piece); });
    scan.end_message();
    body.remove_prefix(std::min(size + 1, body.size()));
  }
  cut(body, longest, [&](base::Bytes piece) { scan.feed(piece); });
  scan.finish();
  return scan;
}

std::string described(const openai::UsageScan& scan) {
  return to_text(support::found_usage(scan)) + " " + std::to_string(scan.text_bytes());
}

std::string filtered(std::string_view body, size_t longest, uint32_t& hidden) {
  openai::UsageChunkFilter filter;
  std::string passed;
  cut(body, longest, [&](base::Bytes input) {
    for (base::Bytes piece; !(piece = filter.next(input)).empty();) {
      passed.append(base::as_text(piece));
    }
    require(input.empty(), "the filter leaves some", body);
  });
  passed.append(base::as_text(filter.finish()));
  hidden = filter.hidden();
  return passed;
}

void check_filter(std::string_view body) {
  uint32_t hidden = 0;
  const std::string whole = filtered(body, size_t{1} << 30, hidden);
  for (const size_t longest : {size_t{1}, size_t{2}, size_t{30}}) {
    uint32_t hidden_now = 0;
    require(filtered(body, longest, hidden_now) == whole && hidden == hidden_now,
            "filtered otherwise when cut",
            body);
  }
  const auto expected = support::expected_filtered(body);
  require(!expected || (expected->passed == whole && expected->hidden == hidden),
          "filtered otherwise",
          body);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view body(reinterpret_cast<const char*>(data) + 1, size - 1);
  const Form form = data[0] == 'e' ? Form::events : data[0] == 'm' ? Form::messages : Form::json;
  const openai::UsageScan whole = scanned(form, body, size_t{1} << 30);
  for (const size_t longest : {size_t{1}, size_t{2}, size_t{30}}) {
    require(described(scanned(form, body, longest)) == described(whole), "cut otherwise", body);
  }
  if (form == Form::events) check_filter(body);
  auto expected = support::expected_usage(form, body);
  if (!expected) return 0;
  expected->texts = expected->texts != 0 ? 1 : 0;
  if (*expected != support::found_usage(whole)) {
    std::fprintf(
        stderr, "expected %s\nfound    %s\n", to_text(*expected).c_str(), described(whole).c_str());
    require(false, "found otherwise", body);
  }
  return 0;
}
