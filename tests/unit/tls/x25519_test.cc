// X25519 as TLS 1.3 has it computed, through PSA.
#include <array>
#include <cstddef>
#include <random>
#include <string>
#include <string_view>

#include <doctest/doctest.h>
#include <mbedtls/ecp.h>
#include <psa/crypto.h>

#include "base/check.h"
#include "tls/random.h"
#include "tls/tls_world.h"

namespace {

using Octets = std::array<unsigned char, 32>;

Octets octets_of(std::string_view hex) {
  Octets bytes;
  for (size_t i = 0; i < bytes.size(); ++i)
    bytes[i] =
        static_cast<unsigned char>(std::stoi(std::string(hex.substr(2 * i, 2)), nullptr, 16));
  return bytes;
}

// A private key in PSA's store.
class Key {
 public:
  explicit Key(const Octets& bytes) {
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_DERIVE);
    psa_set_key_algorithm(&attributes, PSA_ALG_ECDH);
    psa_set_key_type(&attributes, PSA_KEY_TYPE_ECC_KEY_PAIR(PSA_ECC_FAMILY_MONTGOMERY));
    psa_set_key_bits(&attributes, 255);
    CHECK(psa_import_key(&attributes, bytes.data(), bytes.size(), &id_) == PSA_SUCCESS);
  }
  ~Key() { psa_destroy_key(id_); }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  Key(Key&&) = delete;
  Key& operator=(Key&&) = delete;

  [[nodiscard]] Octets public_key() const {
    Octets bytes;
    size_t size = 0;
    CHECK(psa_export_public_key(id_, bytes.data(), bytes.size(), &size) == PSA_SUCCESS);
    CHECK(size == bytes.size());
    return bytes;
  }
  [[nodiscard]] Octets secret_with(const Octets& theirs) const {
    Octets bytes;
    size_t size = 0;
    CHECK(psa_raw_key_agreement(
              PSA_ALG_ECDH, id_, theirs.data(), theirs.size(), bytes.data(), bytes.size(), &size) ==
          PSA_SUCCESS);
    CHECK(size == bytes.size());
    return bytes;
  }
  [[nodiscard]] psa_key_id_t id() const { return id_; }

 private:
  psa_key_id_t id_ = 0;
};

TEST_CASE("X25519: the keys and the secret of RFC 7748 6.1") {
  static_cast<void>(tls_test::fixture());  // starts the library
  const Key alice(octets_of("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"));
  const Key bob(octets_of("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"));
  REQUIRE(alice.public_key() ==
          octets_of("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"));
  REQUIRE(bob.public_key() ==
          octets_of("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"));
  const Octets secret =
      octets_of("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
  REQUIRE(alice.secret_with(bob.public_key()) == secret);
  REQUIRE(bob.secret_with(alice.public_key()) == secret);
  Octets small;
  size_t size = 0;
  REQUIRE(psa_export_public_key(bob.id(), small.data(), 31, &size) == PSA_ERROR_BUFFER_TOO_SMALL);
}

TEST_CASE("X25519: public keys are those of mbedTLS's generic code") {
  static_cast<void>(tls_test::fixture());
  std::mt19937 random(1);
  for (int round = 0; round < 20; ++round) {
    Octets bytes;
    for (unsigned char& byte : bytes)
      byte = static_cast<unsigned char>(random());
    mbedtls_ecp_keypair pair;
    mbedtls_ecp_keypair_init(&pair);
    REQUIRE(mbedtls_ecp_read_key(MBEDTLS_ECP_DP_CURVE25519, &pair, bytes.data(), bytes.size()) ==
            0);
    REQUIRE(mbedtls_ecp_keypair_calc_public(&pair, tls::random_bytes, nullptr) == 0);
    Octets expected;
    size_t size = 0;
    REQUIRE(mbedtls_ecp_write_public_key(
                &pair, MBEDTLS_ECP_PF_UNCOMPRESSED, &size, expected.data(), expected.size()) == 0);
    mbedtls_ecp_keypair_free(&pair);
    REQUIRE(Key(bytes).public_key() == expected);
  }
}

}  // namespace
