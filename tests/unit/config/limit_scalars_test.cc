// config/limit_scalars: every kind by a table of text → what it prints back, or "(none)".
#include "config/limit_scalars.h"

#include <doctest/doctest.h>

#include "kind_table.h"

using test::check_table;

TEST_CASE("amounts are whole, with the units of two languages") {
  check_table(config::Amount{.min = 1},
              {{"60", "60"},
               {"100k", "100k"},
               {"100K", "100k"},
               {"100 k", "100k"},
               {"2M", "2M"},
               {"1.5M", "1500k"},
               {"1.5k", "1500"},
               {"1.0", "1"},
               {"2万", "20k"},
               {"1.2345万", "12345"},
               {"1亿", "100M"},
               {"1000", "1k"},
               {"0", "(none)"},
               {"1.5", "(none)"},
               {"1.05", "(none)"},
               {"1.0005k", "(none)"},
               {"1.k", "(none)"},
               {".5k", "(none)"},
               {"k", "(none)"},
               {"", "(none)"},
               {"-1", "(none)"},
               {"1m", "(none)"},
               {"1 ", "(none)"},
               {"1kk", "(none)"},
               {"1e3", "(none)"},
               {"9223372036854775807", "9223372036854775807"},
               {"9223372036854775808", "(none)"},
               {"92233720369亿", "(none)"}});
  check_table(config::Amount{.min = 1, .max = 1000, .zero_word = "unlimited"},
              {{"unlimited", "unlimited"}, {"0", "(none)"}, {"1k", "1k"}, {"1001", "(none)"}});
}

TEST_CASE("money is exact") {
  check_table(config::Money{},
              {{"20.00", "20.00"},
               {"$1.50", "1.50"},
               {"1.5k", "1500.00"},
               {"2万", "20000.00"},
               {"0.000000001", "0.000000001"},
               {"0", "0.00"},
               {"1M", "1000000.00"},
               {"1000M", "1000000000.00"},
               {"1001M", "(none)"},
               {"0.0000000001", "(none)"},
               {"-1", "(none)"},
               {"1€", "(none)"},
               {"", "(none)"}});
  check_table(config::Money{.min = 1, .zero_word = "none"}, {{"none", "none"}, {"0", "(none)"}});
}

TEST_CASE("periods are of the calendar, or from the first use") {
  check_table(config::PeriodText{},
              {{"day", "day"},
               {"week", "week"},
               {"month", "month"},
               {"5h", "5h"},
               {"90m", "90m"},
               {"30d", "30d"},
               {"120m", "2h"},
               {"48h", "2d"},
               {"90s", "90s"},
               {"366d", "366d"},
               {"367d", "(none)"},
               {"59s", "(none)"},
               {"year", "(none)"},
               {"5", "(none)"},
               {"", "(none)"}});
}

TEST_CASE("names of time zones") {
  check_table(config::ZoneName{},
              {{"UTC", "UTC"},
               {"Asia/Shanghai", "Asia/Shanghai"},
               {"+08:00", "+08:00"},
               {"-0330", "-0330"},
               {"UTC+8", "UTC+8"},
               {"Etc/GMT-8", "Etc/GMT-8"},
               {"../../etc/passwd", "(none)"},
               {"/etc/localtime", "(none)"},
               {"Asia/", "(none)"},
               {"+25:00", "(none)"},
               {"", "(none)"}});
}
