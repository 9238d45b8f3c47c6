#include "http/message_rules.h"

#include "base/ascii.h"
#include "http/chars.h"
#include "http/field_lines.h"
#include "http/target.h"

namespace http {
namespace {

// What the fields say, gathered in one pass.
struct Facts {
  unsigned content_lengths = 0;            // fields, and elements of a list in one
  std::optional<uint64_t> content_length;  // nothing where one is malformed, or they differ
  unsigned transfer_encodings = 0;
  bool is_chunked = false;
  unsigned hosts = 0;
  std::string_view host;
  bool close = false;
  bool keep_alive = false;
  bool upgrade_option = false;
  unsigned upgrades = 0;
  bool upgrade_refused = false;
  bool expects_continue = false;
};

// 1*DIGIT and nothing else; what does not fit 63 bits is malformed too.
std::optional<uint64_t> parse_content_length(std::string_view text) {
  constexpr uint64_t length_max = INT64_MAX;
  if (text.empty()) return std::nullopt;
  uint64_t length = 0;
  for (const char c : text) {
    if (!base::is_digit(c)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (length > (length_max - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
}

// One field, with as many lengths as its list has (RFC 9112 6.3: a list of one and the same length
// is that length).
void add_content_length(std::string_view value, Facts& facts) {
  do {
    const size_t comma = value.find(',');
    const std::optional<uint64_t> length = parse_content_length(trimmed(value.substr(0, comma)));
    const bool agrees = facts.content_lengths == 0 || length == facts.content_length;
    facts.content_length = agrees ? length : std::nullopt;
    ++facts.content_lengths;
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
    if (comma != std::string_view::npos && value.empty()) facts.content_length.reset();
  } while (!value.empty());
}

void add_connection_options(std::string_view value, Facts& facts) {
  for_each_list_element(value, [&](std::string_view option) {
    facts.close |= equals_ignoring_case(option, "close");
    facts.keep_alive |= equals_ignoring_case(option, "keep-alive");
    facts.upgrade_option |= equals_ignoring_case(option, "upgrade");
    return true;
  });
}

void add_upgrade(std::string_view value, Facts& facts) {
  for_each_list_element(value, [&](std::string_view protocol) {
    ++facts.upgrades;
    const std::string_view name = protocol.substr(0, protocol.find('/'));
    for (const std::string_view refused : {"h2c", "h2", "HTTP", "TLS"}) {
      facts.upgrade_refused |= equals_ignoring_case(name, refused);
    }
    return true;
  });
}

Facts gather(const Head& head) {
  Facts facts;
  for (const Field& field : head.fields) {
    switch (field.id) {
      case FieldId::content_length:
        add_content_length(field.value, facts);
        break;
      case FieldId::transfer_encoding:
        ++facts.transfer_encodings;
        facts.is_chunked = equals_ignoring_case(field.value, "chunked");
        break;
      case FieldId::host:
        ++facts.hosts;
        facts.host = field.value;
        break;
      case FieldId::connection:
        add_connection_options(field.value, facts);
        break;
      case FieldId::upgrade:
        add_upgrade(field.value, facts);
        break;
      case FieldId::expect:
        facts.expects_continue |= equals_ignoring_case(field.value, "100-continue");
        break;
      default:
        break;
    }
  }
  return facts;
}

enum class Lengths : uint8_t { one, several_alike };

// Everything two readers of the same head could take for two different lengths (RFC 9112 6.1, 6.3).
std::optional<H1Error> check_framing(const Head& head, const Facts& facts, Lengths lengths) {
  // Of a response RFC 9112 6.3 takes the coding, and so does HAProxy; nginx refuses it as we do:
  // one of the two is wrong, and which one only its sender knows.
  if (facts.content_lengths > 0 && facts.transfer_encodings > 0) {
    return H1Error{400, "both Content-Length and Transfer-Encoding"};
  }
  if (facts.content_lengths > 1 && lengths == Lengths::one) {
    return H1Error{400, "more than one Content-Length"};
  }
  if (facts.content_lengths > 1 && !facts.content_length) {
    return H1Error{400, "several lengths that are not alike"};
  }
  if (facts.content_lengths == 1 && !facts.content_length) {
    return H1Error{400, "malformed Content-Length"};
  }
  if (facts.transfer_encodings == 0) return std::nullopt;
  // nginx and HAProxy read it from an upstream; RFC 9112 6.1 calls such a message's framing faulty.
  if (head.version_minor == 0) return H1Error{400, "Transfer-Encoding in HTTP/1.0"};
  // A list over two fields is one list (RFC 9110 5.3), but nobody who means well sends it; HAProxy
  // puts it together, nginx refuses it as we do.
  if (facts.transfer_encodings > 1) return H1Error{400, "more than one Transfer-Encoding"};
  // RFC 9112 6.1 knows gzip beside it; nginx refuses it as we do, HAProxy passes it on without
  // understanding it. We could not frame anew what we do not decode.
  if (!facts.is_chunked) return H1Error{400, "Transfer-Encoding other than chunked"};
  return std::nullopt;
}

std::optional<H1Error> check_target(const Head& head, const Facts& facts) {
  if (head.method == "CONNECT") return H1Error{400, "CONNECT is not served here"};
  const std::optional<TargetParts> parts = split_target(head.target);
  if (!parts) return H1Error{400, "malformed request target"};
  if (parts->rest == "*" && head.method != "OPTIONS") {
    return H1Error{400, "the target * is for OPTIONS only"};
  }
  if (facts.hosts > 1) return H1Error{400, "more than one Host"};
  if (facts.hosts == 0 && head.version_minor > 0) return H1Error{400, "Host is missing"};
  if (facts.hosts == 1 && !is_authority(facts.host)) return H1Error{400, "malformed Host"};
  if (facts.hosts == 1 && !parts->authority.empty() &&
      !is_same_authority(parts->authority, facts.host, parts->is_https)) {
    return H1Error{400, "Host differs from the target's authority"};
  }
  return std::nullopt;
}

// RFC 9112 9.3.
bool allows_another(const Head& head, const Facts& facts) {
  return !facts.close && (head.version_minor > 0 || facts.keep_alive);
}

}  // namespace

std::optional<H1Error> judge_request(const Head& head, MessageTraits& traits) {
  const Facts facts = gather(head);
  if (auto error = check_target(head, facts)) return error;
  if (auto error = check_framing(head, facts, Lengths::one)) return error;
  traits = {};
  traits.content_length = facts.content_length;
  if (facts.is_chunked) {
    traits.framing.kind = Framing::Kind::chunked;
  } else if (facts.content_length) {
    traits.framing = {Framing::Kind::length, *facts.content_length};
  }
  const bool has_body = facts.is_chunked || traits.framing.length > 0;
  const bool is_current = head.version_minor > 0;
  traits.keep_alive = allows_another(head, facts);
  traits.upgrade = is_current && !has_body && facts.upgrade_option && facts.upgrades > 0 &&
                   !facts.upgrade_refused;
  traits.expects_continue = is_current && has_body && facts.expects_continue;
  return std::nullopt;
}

std::optional<H1Error> judge_response(const Head& head, bool answers_head, MessageTraits& traits) {
  // 600 to 999 are no statuses, but to be read as a server's error (RFC 9110 15). Below 100 nginx
  // and HAProxy refuse as we do: an interim response it could be taken for would never end.
  if (head.status < 100) return H1Error{400, "status out of range"};
  if (!is_field_text(head.reason)) return H1Error{400, "control byte in the reason phrase"};
  const Facts facts = gather(head);
  const std::optional<H1Error> fault = check_framing(head, facts, Lengths::several_alike);
  traits = {};
  if (!fault) traits.content_length = facts.content_length;
  if (head.status == 101) {
    if (!facts.upgrade_option || facts.upgrades == 0) return H1Error{400, "101 without Upgrade"};
    traits.upgrade = true;
    traits.framing.kind = Framing::Kind::tunnel;
    return std::nullopt;
  }
  const bool never_has_body = head.status < 200 || head.status == 204;
  if (never_has_body || answers_head || head.status == 304) {
    // It ends with its head, whatever its fields say (RFC 9112 6.3). Where they say what cannot be,
    // its sender may think that a body follows: nobody else's response is read behind it. nginx and
    // HAProxy go on, and rely on what has arrived by then.
    const bool announces_body = facts.is_chunked || facts.content_length.value_or(0) > 0;
    traits.keep_alive =
        allows_another(head, facts) && !fault && !(never_has_body && announces_body);
    return std::nullopt;
  }
  if (fault) return fault;
  if (facts.is_chunked) {
    traits.framing.kind = Framing::Kind::chunked;
  } else if (facts.content_length) {
    traits.framing = {Framing::Kind::length, *facts.content_length};
  } else {
    traits.framing.kind = Framing::Kind::until_close;
  }
  traits.keep_alive =
      allows_another(head, facts) && traits.framing.kind != Framing::Kind::until_close;
  return std::nullopt;
}

bool is_forbidden_trailer(FieldId id) {
  switch (id) {
    case FieldId::access_control_allow_origin:
    case FieldId::authorization:
    case FieldId::cache_control:
    case FieldId::content_length:
    case FieldId::content_type:
    case FieldId::cookie:
    case FieldId::expect:
    case FieldId::host:
    case FieldId::location:
    case FieldId::retry_after:
    case FieldId::vary:
      return true;
    default:
      return is_hop_by_hop(id);
  }
}

}  // namespace http
