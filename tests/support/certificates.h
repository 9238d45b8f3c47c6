#pragma once

// Certificates made at test time with mbedTLS's own writer: nothing to install, nothing to expire.

#include <memory>
#include <string>
#include <vector>

namespace test {

enum class KeyKind : unsigned char { ecdsa_p256, rsa_2048 };

// PEM texts. A leaf's chain is the leaf alone; its authority signs directly.
struct Credentials {
  std::string certificate_pem;
  std::string key_pem;
};

// What a leaf says. The default is good for `localhost`, 127.0.0.1 and ::1.
struct LeafOptions {
  std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};  // DNS names, IP literals
  KeyKind key = KeyKind::ecdsa_p256;
  int valid_from_days = -1;  // counted from today
  int valid_to_days = 30;
};

// A certificate's extension as it stands there.
struct Extension {
  std::string oid;  // DER, without its header
  std::string value;
  bool critical = true;
};

// Resource: a root with its key. Any one thread at a time.
class Authority {
 public:
  explicit Authority(const std::string& name = "Test Root", KeyKind key = KeyKind::ecdsa_p256);
  // One below `issuer`, with `extensions` besides the usual ones.
  Authority(const Authority& issuer, const std::string& name, std::vector<Extension> extensions);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  Authority(Authority&&) = delete;
  Authority& operator=(Authority&&) = delete;

  // What clients are to trust.
  [[nodiscard]] const std::string& certificate_pem() const;
  // A server certificate signed by this root, and its key.
  [[nodiscard]] Credentials issue(const LeafOptions& options = {}) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A leaf that signed itself.
[[nodiscard]] Credentials self_signed(const LeafOptions& options = {});

}  // namespace test
