#pragma once

// One connection's TLS state, without sockets and loops: ciphertext in, plaintext out, and back.
// The only place that drives mbedTLS's record layer.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <mbedtls/ssl.h>

#include "base/bytes.h"
#include "base/error.h"
#include "base/speech.h"
#include "tls/context.h"
#include "tls/name_constraints.h"
#include "tls/server_context.h"

namespace tls {

// Resource, owned by a TlsStream. One thread at a time; handshake() touches nothing of the worker's
// and may run on another one. Holds record buffers only while a record is incomplete: about 3 KiB
// at rest.
class Session {
 public:
  enum class Status : uint8_t {
    done,        // handshake(): keys are there
    want_input,  // all input is consumed
    plain_full,  // decrypt(): `into` is full, call again
    closed,      // the peer's close_notify came
    failed,      // see error(); nothing more can be done
  };
  struct Plain {
    size_t size;  // bytes put into `into`
    Status status;
  };

  // What a record adds to its payload: header, explicit IV, type, padding, tag.
  static constexpr size_t record_overhead_max = 64;

  // A client's, with a session of the context's to resume if there is one.
  explicit Session(ClientContext& context);
  // A server's.
  explicit Session(ServerContext& context);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  Session(Session&&) = delete;
  Session& operator=(Session&&) = delete;

  // Goes on with the handshake, consuming `input` from its front: done, want_input or failed. Call
  // it with nothing to start. What follows the handshake stays in `input`.
  [[nodiscard]] Status handshake(base::Bytes& input);

  // After the handshake: decrypts from the front of `input` into `into`: want_input, plain_full,
  // closed or failed. Keeps tickets, answers what needs an answer (see flight()).
  [[nodiscard]] Plain decrypt(base::Bytes& input, std::span<std::byte> into);

  // After the handshake: payload bytes of one record at most, as the peer wants them (RFC 6066 4,
  // RFC 8449). Never 2^14: mbedTLS pads TLS 1.3 records to a multiple of 16 and would exceed what
  // RFC 8446 5.2 allows.
  [[nodiscard]] size_t payload_max() const { return payload_max_; }

  // Where the payload of the next record goes in `area` (at least record_overhead_max more than the
  // payload); encrypt() must follow. At most payload_max() bytes.
  [[nodiscard]] std::span<std::byte> payload_area(std::span<std::byte> area);
  // Makes `payload_bytes` (> 0) of that area a record, in place; returns its size, which starts at
  // the area's begin. 0: failed, see error().
  [[nodiscard]] size_t encrypt(size_t payload_bytes);

  // Whether new keys are due before the next application data: the peer has asked for them (RFC
  // 8446 4.6.3), or these have sealed as many records as they may (5.5).
  [[nodiscard]] bool needs_keys() const { return owes_keys_ || keys_are_worn(); }
  // Puts a KeyUpdate into flight(); what is encrypted afterwards is under new keys. False: failed,
  // see error().
  [[nodiscard]] bool update_keys();

  // Puts a close_notify into flight(). After the handshake only.
  void close_notify();

  // Records made by the other calls, to be sent at once, then cleared.
  [[nodiscard]] std::vector<std::byte>& flight() { return flight_; }

  [[nodiscard]] base::Error error() const { return error_; }
  // For the log: what was wrong with the peer's certificates, or what alert it sent. May be empty.
  [[nodiscard]] const std::string& failure_text() const { return failure_text_; }
  // After the handshake: whether a session was resumed.
  [[nodiscard]] bool resumed() const { return resumed_; }
  // After the handshake: "TLSv1.2" or "TLSv1.3". Static text.
  [[nodiscard]] const char* version_text() const { return mbedtls_ssl_get_version(&ssl_); }

 private:
  friend class ServerContext;                 // on_client_hello is its callback
  static constexpr unsigned tickets_max = 4;  // kept per connection
  static constexpr unsigned answers_max = 8;  // alerts sent to a living connection
  // A peer's between two records with data, of either side. Each costs what a hundred records do; a
  // client may send some while it reads a long download that we have written already.
  static constexpr unsigned key_updates_max = 500;
  static constexpr size_t payload_limit = 16 * 1024 - 1;
  static constexpr size_t alert_area_bytes = 512;

  static int on_send(void* self, const unsigned char* bytes, size_t size);
  static int on_receive(void* self, unsigned char* into, size_t size);
  static int on_client_hello(mbedtls_ssl_context* ssl);
  static int on_certificate(void* self, mbedtls_x509_crt* crt, int depth, uint32_t* flags);

  [[nodiscard]] bool knows_chain(const mbedtls_x509_crt& chain) const;
  void note_certificate(mbedtls_x509_crt& certificate, int depth, uint32_t& flags);

  [[nodiscard]] bool keys_are_worn() const;
  // What a failed read of mbedTLS's means.
  Status on_no_data(int result);
  Status count_key_update();

  void setup();
  void setup_client();
  void finish_handshake();
  [[nodiscard]] size_t payload_bytes_wanted() const;
  void keep_session();
  Status fail(int code);
  void attach_input();
  // Whether nothing in the input buffer is needed any more but the counter.
  [[nodiscard]] bool is_between_records() const;
  void detach_input();
  void attach_output(std::span<std::byte> area, size_t explicit_iv_bytes);
  void detach_output();

  Context& context_;
  ClientContext* client_;  // null on a server's side
  ServerContext* server_;  // null on a client's
  mbedtls_ssl_context ssl_;
  base::Bytes input_;
  std::vector<std::byte> flight_;
  std::string failure_text_;
  NameConstraints name_constraints_;    // of the chain under verification
  int64_t chain_expiry_s_ = INT64_MAX;  // the earliest of the certificates checked so far
  base::Error error_{base::Code::tls};
  std::array<unsigned char, 8> input_counter_{};   // while no input buffer is attached
  std::array<unsigned char, 8> output_counter_{};  // where mbedTLS writes a copy of its own
  std::span<std::byte> record_;                    // where encrypt() works; empty otherwise
  size_t record_bytes_ = 0;
  std::array<std::byte, base::speech_bytes_max> first_{};  // of a client's input
  size_t payload_max_ = payload_limit;
  uint8_t first_bytes_ = 0;
  uint8_t explicit_iv_bytes_ = 0;
  uint8_t tickets_ = 0;
  uint8_t answers_ = 0;
  uint16_t key_updates_ = 0;
  bool starved_ = false;  // mbedTLS asked for more than input_ has
  bool owes_keys_ = false;
  bool updatable_ = false;  // TLS 1.3
  bool resuming_ = false;
  bool resumed_ = false;
};

}  // namespace tls
