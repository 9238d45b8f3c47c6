#include "ledger/report.h"

#include <array>

#include <doctest/doctest.h>

using ledger::By;
using ledger::UsageRow;

namespace {

const std::array<UsageRow, 2> rows = {
    {{.label = "alice",
      .amounts = {.requests = 1'234,
                  .input = 5'000'000,
                  .cached = 1,
                  .cache_written = 2,
                  .output = 3,
                  .reasoning = 4,
                  .nano_dollars = 12'345'678'901,
                  .unpriced = 5}},
     {.label = "", .amounts = {.requests = 1, .nano_dollars = 1'500}}}};

std::string csv_label(std::string_view label) {
  const std::array<UsageRow, 1> one = {{{.label = std::string(label), .amounts = {}}}};
  const std::string text = ledger::to_csv(By::model, one);
  const size_t begin = text.find("\r\n") + 2;
  return text.substr(begin, text.find(",0,0,0") - begin);
}

std::string json_label(std::string_view label) {
  const std::array<UsageRow, 1> one = {{{.label = std::string(label), .amounts = {}}}};
  const std::string text = ledger::to_json(By::model, one);
  const size_t begin = text.find("{\"model\":") + 9;
  return text.substr(begin, text.find(",\"requests\"") - begin);
}

}  // namespace

TEST_CASE("the table has a line of sums and says what costs are") {
  CHECK(ledger::to_table(By::client, rows) ==
        "client  requests      input  cached  written  output  reasoning  unpriced    cost\n"
        "alice      1,234  5,000,000       1        2       3          4         5  $12.35\n"
        "(none)         1          0       0        0       0          0         0   $0.00\n"
        "total      1,235  5,000,000       1        2       3          4         5  $12.35\n"
        "Costs are estimates, not an invoice; unpriced requests count as $0.\n");
  CHECK(ledger::to_table(By::client, {}) == "No usage in that time.\n");
}

TEST_CASE("JSON has money as text, exactly") {
  CHECK(ledger::to_json(By::client, rows) ==
        R"({"by":"client","estimate":true,"rows":[)"
        R"({"client":"alice","requests":1234,"input_tokens":5000000,"cached_tokens":1,)"
        R"("cache_written_tokens":2,"output_tokens":3,"reasoning_tokens":4,)"
        R"("unpriced_requests":5,"cost_usd":"12.345678901"},)"
        R"({"client":"","requests":1,"input_tokens":0,"cached_tokens":0,)"
        R"("cache_written_tokens":0,"output_tokens":0,"reasoning_tokens":0,)"
        R"("unpriced_requests":0,"cost_usd":"0.0000015"}],)"
        R"("total":{"requests":1235,"input_tokens":5000000,"cached_tokens":1,)"
        R"("cache_written_tokens":2,"output_tokens":3,"reasoning_tokens":4,)"
        R"("unpriced_requests":5,"cost_usd":"12.345680401"}})"
        "\n");
  CHECK(ledger::to_json(By::day, {}).find(R"({"by":"day","estimate":true,"rows":[],"total":)") ==
        0);
}

TEST_CASE("CSV has a head line and exact money") {
  CHECK(ledger::to_csv(By::client, rows) ==
        "client,requests,input_tokens,cached_tokens,cache_written_tokens,output_tokens,"
        "reasoning_tokens,unpriced_requests,estimated_cost_usd\r\n"
        "alice,1234,5000000,1,2,3,4,5,12.345678901\r\n"
        ",1,0,0,0,0,0,0,0.0000015\r\n");
}

TEST_CASE("labels are quoted as each form demands") {
  CHECK(csv_label("gpt-5") == "gpt-5");
  CHECK(csv_label("a,b") == "\"a,b\"");
  CHECK(csv_label("say \"hi\"") == "\"say \"\"hi\"\"\"");
  CHECK(csv_label("=1+1") == "'=1+1");
  CHECK(csv_label("@x,y") == "\"'@x,y\"");
  CHECK(csv_label("two\nlines") == "two\xef\xbf\xbdlines");
  CHECK(json_label("say \"hi\" \\") == R"("say \"hi\" \\")");
  CHECK(json_label("\xe6\xa8\xa1\xe5\x9e\x8b") == "\"\xe6\xa8\xa1\xe5\x9e\x8b\"");
}

TEST_CASE("what is no text is shown as such") {
  const std::string none = "\xef\xbf\xbd";
  CHECK(json_label("\x1b[31m") == '"' + none + "[31m\"");
  CHECK(json_label("a\xff") == "\"a" + none + '"');
  CHECK(json_label("\xe6\xa8") == '"' + none + none + '"');
  CHECK(json_label("\xc0\xaf") == '"' + none + none + '"');
  CHECK(json_label("\xed\xa0\x80") == '"' + none + none + none + '"');
  CHECK(json_label("\xf4\x90\x80\x80") == '"' + none + none + none + none + '"');
  CHECK(json_label("\xc2\x9b") == '"' + none + '"');
}
