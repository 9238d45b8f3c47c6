// The order of cipher suites.
#include "tls/suites.h"

#include <algorithm>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/ssl.h>

namespace {

std::vector<int> listed(bool aes_first) {
  std::vector<int> suites;
  for (const int* suite = tls::ciphersuites(aes_first); *suite != 0; ++suite)
    suites.push_back(*suite);
  return suites;
}

bool is_aes(int suite) {
  return std::string(mbedtls_ssl_get_ciphersuite_name(suite)).find("AES") != std::string::npos;
}

TEST_CASE(
    "cipher suites: the same ones in either order, within each version the faster ones first") {
  std::vector<int> aes = listed(true);
  std::vector<int> chacha = listed(false);
  for (const bool tls13 : {true, false}) {
    const auto of_version = [&](int suite) {
      return std::string(mbedtls_ssl_get_ciphersuite_name(suite)).starts_with("TLS1-3") == tls13;
    };
    std::vector<bool> order;
    for (const int suite : aes)
      if (of_version(suite)) order.push_back(is_aes(suite));
    REQUIRE(std::is_sorted(order.rbegin(), order.rend()));
    order.clear();
    for (const int suite : chacha)
      if (of_version(suite)) order.push_back(is_aes(suite));
    REQUIRE(std::is_sorted(order.begin(), order.end()));
  }
  REQUIRE(is_aes(aes.front()));
  REQUIRE(!is_aes(chacha.front()));
  std::sort(aes.begin(), aes.end());
  std::sort(chacha.begin(), chacha.end());
  REQUIRE(aes == chacha);
  REQUIRE(aes.size() == 9);
}

}  // namespace
