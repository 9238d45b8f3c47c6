#pragma once

// What a complete head means for its connection, and which heads are refused: the rules against
// request smuggling and response splitting that concern more than one byte at a time. Pure
// functions.

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/head.h"

namespace http {

// Why a message was refused. `status` is the answer a client gets for it (400, 431, 505 …); a fault
// in a response is the upstream's and becomes 502 whatever it says here.
struct H1Error {
  uint16_t status = 400;
  std::string_view why;  // static text, fit for a person
};

// Value. What the head says about its body and its connection.
struct MessageTraits {
  Framing framing;
  std::optional<uint64_t> content_length;  // the field's value, also where no body follows (HEAD)
  bool keep_alive = false;                 // the message allows another one after it
  bool upgrade = false;                    // asks for another protocol; for a 101: switches to it
  bool expects_continue = false;           // a body waits for a 100 (RFC 9110 10.1.1)
};

// Judges a request head whose fields and start line are syntactically right (RFC 9112 3, 6, 9.3).
// Fills `traits` and returns nothing where it is accepted.
//
// An Upgrade to h2c or TLS, and one on a request with a body, is not counted as one: RFC 9110 7.8
// lets us ignore it, and a tunnel of HTTP would go round every check of ours.
[[nodiscard]] std::optional<H1Error> judge_request(const Head& head, MessageTraits& traits);

// The same for a response; `answers_head` where the request's method was HEAD (RFC 9112 6.3).
[[nodiscard]] std::optional<H1Error> judge_response(const Head& head,
                                                    bool answers_head,
                                                    MessageTraits& traits);

// Whether a field may not stand in a trailer section: framing, routing, credentials, and what
// belongs to the connection (RFC 9110 6.5.1). Such fields are dropped.
[[nodiscard]] bool is_forbidden_trailer(FieldId id);

}  // namespace http
