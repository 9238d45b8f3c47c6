#pragma once

// Which cipher suites are offered, and in what order.

namespace tls {

// Whether AES-GCM runs on instructions made for it on this machine, several times as fast as
// ChaCha20-Poly1305 does; without them it is the slower one. Any thread.
[[nodiscard]] bool aes_gcm_is_fast();

// The suites by falling preference, ended by 0, as mbedTLS wants them: all forward secret and AEAD.
// Valid for ever.
[[nodiscard]] const int* ciphersuites(bool aes_first);

}  // namespace tls
