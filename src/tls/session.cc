// mbedTLS 3.6's record layer with borrowed buffers. Its private fields are used knowingly: they
// cannot change within the 3.6 series, whose ABI is frozen, and the build refuses any other.
#define MBEDTLS_ALLOW_PRIVATE_ACCESS

#include "tls/session.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fmt/format.h>
#include <key_update.h>
#include <memory>
#include <resuming.h>
#include <utility>
#include <verify_known.h>

#include <mbedtls/platform.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>

#include "base/check.h"
#include "tls/error_text.h"
#include "tls/session_cache.h"
#include "tls/verified_chains.h"

// Before 3.6.3 handshake messages in fragments were not understood, nor counted where we look.
static_assert(MBEDTLS_VERSION_MAJOR == 3 && MBEDTLS_VERSION_MINOR == 6 &&
              MBEDTLS_VERSION_PATCH >= 3);

namespace tls {
namespace {

constexpr size_t header_bytes = 5;
constexpr size_t counter_bytes = 8;

unsigned char* octets(std::byte* bytes) {
  return reinterpret_cast<unsigned char*>(bytes);
}

// RFC 6125 for IP addresses, which mbedTLS is not told of: a literal must stand in the certificate.
bool names_address(const mbedtls_x509_crt& certificate, std::string_view address) {
  for (const mbedtls_x509_sequence* entry = &certificate.subject_alt_names; entry != nullptr;
       entry = entry->next) {
    const mbedtls_x509_buf& name = entry->buf;
    if (name.p == nullptr || name.len != address.size()) continue;
    if ((name.tag & MBEDTLS_ASN1_TAG_VALUE_MASK) != MBEDTLS_X509_SAN_IP_ADDRESS) continue;
    if (std::memcmp(name.p, address.data(), address.size()) == 0) return true;
  }
  return false;
}

}  // namespace

Session::Session(ClientContext& context) : context_(context), client_(&context), server_(nullptr) {
  setup();
  setup_client();
}

Session::Session(ServerContext& context) : context_(context), client_(nullptr), server_(&context) {
  setup();
}

Session::~Session() {
  mbedtls_ssl_free(&ssl_);
}

void Session::setup() {
  mbedtls_ssl_init(&ssl_);
  CHECK(mbedtls_ssl_setup(&ssl_, &context_.config()) == 0);
  context_.set_buffer_bytes(ssl_.in_buf_len);
  mbedtls_ssl_set_bio(&ssl_, this, on_send, on_receive, nullptr);
  mbedtls_ssl_set_verify(&ssl_, on_certificate, this);
  mbedtls_ssl_set_user_data_p(&ssl_, this);
}

void Session::setup_client() {
  const bool by_name = client_->address().empty();
  const char* name = by_name ? client_->options().server_name.c_str() : nullptr;
  if (const int result = mbedtls_ssl_set_hostname(&ssl_, name); result != 0) {
    (void)fail(result);
    return;
  }
  const SharedSession session = client_->sessions().take();
  resuming_ = session != nullptr && mbedtls_ssl_set_session(&ssl_, session.get()) == 0;
}

Session::Status Session::handshake(base::Bytes& input) {
  if (error_.raw != 0) return Status::failed;
  const size_t known = std::min(input.size(), first_.size() - first_bytes_);
  std::copy_n(input.begin(), known, first_.begin() + first_bytes_);
  first_bytes_ = static_cast<uint8_t>(first_bytes_ + known);
  input_ = input;
  int result = 0;
  do {
    starved_ = false;
    result = mbedtls_ssl_handshake(&ssl_);
  } while (result == MBEDTLS_ERR_SSL_WANT_READ && !starved_);
  input = std::exchange(input_, {});
  if (result == MBEDTLS_ERR_SSL_WANT_READ) return Status::want_input;
  if (result != 0) return fail(result);
  finish_handshake();
  return Status::done;
}

void Session::finish_handshake() {
  // Only a full handshake brings a certificate, and kept sessions have none. It is not needed any
  // more, and weighs several KiB.
  mbedtls_ssl_session& session = *ssl_.session;
  if (client_ != nullptr) resumed_ = resuming_ && session.peer_cert == nullptr;
  if (session.peer_cert != nullptr) {
    mbedtls_x509_crt_free(session.peer_cert);
    mbedtls_free(session.peer_cert);
    session.peer_cert = nullptr;
  }
  explicit_iv_bytes_ = static_cast<uint8_t>(ssl_.out_msg - ssl_.out_iv);
  updatable_ = ssl_.tls_version == MBEDTLS_SSL_VERSION_TLS1_3;
  payload_max_ = payload_bytes_wanted();
  CHECK(ssl_.out_left == 0);
  mbedtls_free(ssl_.out_buf);
  detach_output();
  if (ssl_.tls_version == MBEDTLS_SSL_VERSION_TLS1_2) keep_session();
}

size_t Session::payload_bytes_wanted() const {
  const int known = mbedtls_ssl_get_max_out_record_payload(&ssl_);
  const size_t bytes = known > 0 ? static_cast<size_t>(known) : payload_limit;
  // RFC 6066 4's 512 to 4096, which mbedTLS forgets after a handshake of TLS 1.3. The type is in
  // it.
  const unsigned code = ssl_.session->mfl_code;
  const size_t fragment = code == 0 ? payload_limit : (size_t{256} << code) - 1;
  return std::min({payload_limit, bytes, fragment});
}

void Session::keep_session() {
  if (client_ == nullptr || tickets_ == tickets_max) return;
  struct Free {
    void operator()(const mbedtls_ssl_session* session) const {
      mbedtls_ssl_session_free(const_cast<mbedtls_ssl_session*>(session));
      delete session;
    }
  };
  std::unique_ptr<mbedtls_ssl_session, Free> session(new mbedtls_ssl_session);
  mbedtls_ssl_session_init(session.get());
  if (mbedtls_ssl_get_session(&ssl_, session.get()) != 0) return;
  if (session->ticket == nullptr && session->id_len == 0) return;
  ++tickets_;
  client_->sessions().put(std::move(session));
}

Session::Plain Session::decrypt(base::Bytes& input, std::span<std::byte> into) {
  std::array<std::byte, alert_area_bytes> alert_area;
  attach_input();
  attach_output(alert_area, explicit_iv_bytes_);
  input_ = input;
  Plain plain{0, Status::plain_full};
  while (plain.size < into.size() && plain.status == Status::plain_full) {
    starved_ = false;
    const int result =
        mbedtls_ssl_read(&ssl_, octets(into.data() + plain.size), into.size() - plain.size);
    if (result > 0) {
      plain.size += static_cast<size_t>(result);
      key_updates_ = 0;
      // Most input is whole records: mbedTLS need not be called once more to say that it is hungry.
      if (input_.empty() && is_between_records()) plain.status = Status::want_input;
    } else {
      plain.status = on_no_data(result);
    }
  }
  input = std::exchange(input_, {});
  detach_output();
  if (plain.status == Status::want_input) detach_input();
  // Only a peer that asks for renegotiation gets answers; their queue must not grow at its will.
  if (!flight_.empty() && ++answers_ > answers_max && plain.status != Status::failed) {
    plain.status = fail(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
  }
  return plain;
}

Session::Status Session::on_no_data(int result) {
  switch (result) {
    case MBEDTLS_ERR_SSL_WANT_READ:
      // Also said with a ticket kept inside: only hunger ends the loop.
      return starved_ ? Status::want_input : Status::plain_full;
    case MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET:
      keep_session();
      return Status::plain_full;
    case OPENAI_PROXY_KEY_UPDATE_REQUESTED:
      owes_keys_ = true;
      return count_key_update();
    case OPENAI_PROXY_KEYS_UPDATED:
      return count_key_update();
    case MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY:
      return Status::closed;
    case 0:
      return fail(MBEDTLS_ERR_SSL_CONN_EOF);
    default:
      return fail(result);
  }
}

Session::Status Session::count_key_update() {
  if (++key_updates_ <= key_updates_max) return Status::plain_full;
  (void)mbedtls_ssl_send_alert_message(
      &ssl_, MBEDTLS_SSL_ALERT_LEVEL_FATAL, MBEDTLS_SSL_ALERT_MSG_UNEXPECTED_MESSAGE);
  return fail(MBEDTLS_ERR_SSL_UNEXPECTED_MESSAGE);
}

bool Session::keys_are_worn() const {
  // The counter is a big-endian number of 64 bits.
  uint64_t records = 0;
  for (const unsigned char byte : ssl_.cur_out_ctr)
    records = records << 8 | byte;
  return updatable_ && records >= context_.records_per_key();
}

bool Session::update_keys() {
  std::array<std::byte, alert_area_bytes> area;
  attach_output(area, explicit_iv_bytes_);
  const int result = openai_proxy_update_keys(&ssl_);
  detach_output();
  if (result != 0) (void)fail(result);
  owes_keys_ = false;
  return result == 0;
}

std::span<std::byte> Session::payload_area(std::span<std::byte> area) {
  CHECK(area.size() > record_overhead_max);
  record_ = area;
  const size_t size = std::min(area.size() - record_overhead_max, payload_max_);
  return area.subspan(header_bytes + explicit_iv_bytes_, size);
}

size_t Session::encrypt(size_t payload_bytes) {
  attach_output(record_, explicit_iv_bytes_);
  // The payload already stands where mbedTLS would copy it to.
  const int result = mbedtls_ssl_write(&ssl_, ssl_.out_msg, payload_bytes);
  detach_output();
  record_ = {};
  key_updates_ = 0;
  if (result != static_cast<int>(payload_bytes)) {
    (void)fail(result < 0 ? result : MBEDTLS_ERR_SSL_INTERNAL_ERROR);
    return 0;
  }
  return record_bytes_;
}

void Session::close_notify() {
  std::array<std::byte, alert_area_bytes> alert_area;
  attach_output(alert_area, explicit_iv_bytes_);
  (void)mbedtls_ssl_close_notify(&ssl_);  // the FIN that follows says the same, less surely
  detach_output();
}

Session::Status Session::fail(int code) {
  const bool in_handshake = mbedtls_ssl_is_handshake_over(&ssl_) == 0;
  // What mbedTLS reports where nothing was checked is no reason.
  uint32_t flags = in_handshake ? mbedtls_ssl_get_verify_result(&ssl_) : 0;
  if (flags == UINT32_MAX || code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE) flags = 0;
  flags &= ~static_cast<uint32_t>(MBEDTLS_X509_BADCERT_SKIP_VERIFY);
  error_ = {base::Code::tls, context_.side(), code};
  if (flags != 0) {
    error_ = {base::Code::certificate, context_.side(), static_cast<int>(flags)};
    if (failure_text_.empty()) failure_text_ = refusal_text(flags);
  } else if (code == MBEDTLS_ERR_SSL_FATAL_ALERT_MESSAGE && ssl_.in_msg != nullptr) {
    const bool asked = in_handshake && openai_proxy_is_certificate_requested(&ssl_) == 1;
    failure_text_ = alert_text(ssl_.in_msg[1], asked);
    error_.raw = alert_raw(ssl_.in_msg[1], asked);
  } else if (in_handshake && client_ != nullptr) {
    const base::Speech heard = base::guess_speech(base::Bytes(first_).first(first_bytes_));
    if (heard != base::Speech::unknown && heard != base::Speech::tls) {
      error_ = base::speech_error(heard, base::Speech::tls);
      failure_text_ = error_text(error_);
    }
  }
  // A session the peer cannot resume properly must not fail the next connection too.
  if (resuming_ && client_ != nullptr && in_handshake) client_->sessions().clear();
  return Status::failed;
}

int Session::on_send(void* self, const unsigned char* bytes, size_t size) {
  auto& session = *static_cast<Session*>(self);
  if (!session.record_.empty()) {
    CHECK(bytes == octets(session.record_.data()));
    session.record_bytes_ = size;
  } else {
    const auto* begin = reinterpret_cast<const std::byte*>(bytes);
    session.flight_.insert(session.flight_.end(), begin, begin + size);
  }
  return static_cast<int>(size);  // all of it, always
}

int Session::on_receive(void* self, unsigned char* into, size_t size) {
  auto& session = *static_cast<Session*>(self);
  if (session.input_.empty()) {
    session.starved_ = true;
    return MBEDTLS_ERR_SSL_WANT_READ;  // 0 would be the end of the connection
  }
  const size_t count = std::min(size, session.input_.size());
  std::memcpy(into, session.input_.data(), count);
  session.input_ = session.input_.subspan(count);
  return static_cast<int>(count);
}

int Session::on_client_hello(mbedtls_ssl_context* ssl) {
  auto& session = *static_cast<Session*>(mbedtls_ssl_get_user_data_p(ssl));
  session.resumed_ = openai_proxy_is_resuming(ssl) == 1;
  size_t size = 0;
  const unsigned char* name = mbedtls_ssl_get_hs_sni(ssl, &size);
  return session.server_->certificates().offer(
      *ssl, {reinterpret_cast<const char*>(name), name == nullptr ? 0 : size});
}

int Session::on_certificate(void* self, mbedtls_x509_crt* crt, int depth, uint32_t* flags) {
  auto& session = *static_cast<Session*>(self);
  if (depth == OPENAI_PROXY_DEPTH_CHAIN) return session.knows_chain(*crt) ? 1 : 0;
  session.note_certificate(*crt, depth, *flags);
  return 0;
}

bool Session::knows_chain(const mbedtls_x509_crt& chain) const {
  const VerifiedChains* const known = client_ != nullptr ? client_->verified_chains() : nullptr;
  return known != nullptr &&
         known->knows(VerifiedChains::key(chain, client_->options().server_name),
                      VerifiedChains::Moment::now());
}

void Session::note_certificate(mbedtls_x509_crt& certificate, int depth, uint32_t& flags) {
  if (depth == 0 && client_ != nullptr) {
    const std::string& address = client_->address();
    if (!address.empty() && !names_address(certificate, address)) {
      flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    }
  }
  const std::string forbidden = name_constraints_.take(
      certificate, depth, client_ != nullptr ? CommonName::a_host : CommonName::a_person);
  if (!forbidden.empty()) flags |= MBEDTLS_X509_BADCERT_OTHER;
  if (flags != 0) {
    const std::string name = client_ != nullptr ? client_->options().server_name : "";
    if (!failure_text_.empty()) failure_text_ += "; ";
    failure_text_ += fmt::format("{}: {}", refusal_text(flags), certificate_text(certificate));
    if (!forbidden.empty()) failure_text_ += "; " + forbidden;
    const std::string advice = refusal_advice(flags, certificate, name);
    if (!advice.empty()) failure_text_ += "; " + advice;
    return;
  }
  chain_expiry_s_ = std::min(chain_expiry_s_, VerifiedChains::expiry_s(certificate));
  // The root comes first, the server's own certificate, at the head of what it sent, last.
  if (depth == 0 && failure_text_.empty() && client_ != nullptr) {
    VerifiedChains* const known = client_->verified_chains();
    if (known != nullptr) {
      known->remember(VerifiedChains::key(certificate, client_->options().server_name),
                      VerifiedChains::Moment::now(),
                      chain_expiry_s_);
    }
  }
}

void Session::attach_input() {
  if (ssl_.in_buf != nullptr) return;
  ssl_.in_buf_len = context_.buffer_bytes();
  ssl_.in_buf = context_.take_buffer().release();
  ssl_.in_ctr = ssl_.in_buf;
  ssl_.in_hdr = ssl_.in_buf + counter_bytes;
  ssl_.in_len = ssl_.in_hdr + 3;
  ssl_.in_iv = ssl_.in_msg = ssl_.in_hdr + header_bytes;
  std::memcpy(ssl_.in_ctr, input_counter_.data(), counter_bytes);
}

bool Session::is_between_records() const {
  return ssl_.in_left == 0 && ssl_.in_msglen == 0 && ssl_.in_offt == nullptr &&
         ssl_.in_hslen == 0 && ssl_.keep_current_message == 0 &&
         ssl_.badmac_seen_or_in_hsfraglen == 0 && ssl_.in_hdr == ssl_.in_buf + counter_bytes;
}

void Session::detach_input() {
  if (!is_between_records()) return;
  std::memcpy(input_counter_.data(), ssl_.in_ctr, counter_bytes);
  context_.give_back(Context::Buffer(ssl_.in_buf), ssl_.in_buf_len);
  ssl_.in_buf = ssl_.in_ctr = ssl_.in_hdr = ssl_.in_len = ssl_.in_iv = ssl_.in_msg = nullptr;
}

void Session::attach_output(std::span<std::byte> area, size_t explicit_iv_bytes) {
  ssl_.out_buf = ssl_.out_hdr = octets(area.data());
  ssl_.out_buf_len = area.size();
  ssl_.out_ctr = output_counter_.data();
  ssl_.out_len = ssl_.out_hdr + 3;
  ssl_.out_iv = ssl_.out_hdr + header_bytes;
  ssl_.out_msg = ssl_.out_iv + explicit_iv_bytes;
}

void Session::detach_output() {
  ssl_.out_buf = ssl_.out_ctr = ssl_.out_hdr = ssl_.out_len = ssl_.out_iv = ssl_.out_msg = nullptr;
}

}  // namespace tls
