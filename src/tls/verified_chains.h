#pragma once

// Remembers which certificate chains were found good, so that a reconnect does not check a server's
// signatures again: they are most of what a full handshake costs.

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string_view>
#include <vector>

struct mbedtls_x509_crt;

namespace tls {

// Resource, of one TrustStore: what is remembered holds for its roots alone. Any thread.
//
// An entry stands for the very bytes of all certificates the server sent and the name they were
// asked to carry. It is good until the first of them, or the root above them, expires, and for
// age_max_s at most, so that a certificate that somebody took back is not trusted much longer.
class VerifiedChains {
 public:
  static constexpr size_t chains_max = 64;
  static constexpr int64_t age_max_s = 60 * 60;

  // Value. Names a chain together with the name it must be good for.
  using Key = std::array<unsigned char, 32>;
  // `name` is a host name or an IP literal.
  [[nodiscard]] static Key key(const mbedtls_x509_crt& chain, std::string_view name);

  // Value. One instant by two clocks.
  struct Moment {
    int64_t wall_s;    // since 1970: what certificates speak of
    int64_t uptime_s;  // never set, counts on in sleep: what ages are measured by
    [[nodiscard]] static Moment now();
  };

  // When `certificate` expires, in seconds since 1970.
  [[nodiscard]] static int64_t expiry_s(const mbedtls_x509_crt& certificate);

  // Whether that chain was found good, not too long ago.
  [[nodiscard]] bool knows(const Key& key, Moment now) const;
  // It was, at `now`, and no certificate of it expires before `expiry_s`. Past chains_max the
  // oldest is forgotten.
  void remember(const Key& key, Moment now, int64_t expiry_s);
  [[nodiscard]] size_t size() const;

 private:
  struct Entry {
    Key key;
    Moment since;
    int64_t expiry_s;  // by the wall clock
  };
  mutable std::mutex mutex_;
  std::vector<Entry> entries_;  // the newest last
};

}  // namespace tls
