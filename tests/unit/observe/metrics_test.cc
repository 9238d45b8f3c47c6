#include "observe/metrics.h"

#include <doctest/doctest.h>

TEST_CASE("responses are counted by the class of their status") {
  struct Case {
    uint16_t status;
    size_t status_class;
  };
  for (const Case& c :
       {Case{0, 0}, Case{101, 1}, Case{204, 2}, Case{599, 5}, Case{600, 5}, Case{999, 5}}) {
    CAPTURE(c.status);
    observe::Metrics metrics;
    observe::Summary summary;
    summary.status = c.status;
    metrics.count(summary);
    for (size_t i = 0; i < observe::Metrics::status_classes; ++i)
      CHECK(metrics.responses[i].value() == (i == c.status_class ? 1 : 0));
  }
}
