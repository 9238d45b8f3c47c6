#include "http/message_rules.h"

#include "http/chars.h"
#include "http/target.h"

namespace http {
namespace {

// What the fields say, gathered in one pass.
struct Facts {
  unsigned content_lengths = 0;
  std::optional<uint64_t> content_length;  // of the last; nothing where it is malformed
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
    if (!is_digit(c)) return std::nullopt;
    const auto digit = static_cast<uint64_t>(c - '0');
    if (length > (length_max - digit) / 10) return std::nullopt;
    length = length * 10 + digit;
  }
  return length;
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
        ++facts.content_lengths;
        facts.content_length = parse_content_length(field.value);
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

// Everything two readers of the same head could take for two different lengths (RFC 9112 6.1, 6.3).
std::optional<H1Error> check_framing(const Head& head, const Facts& facts) {
  if (facts.content_lengths > 0 && facts.transfer_encodings > 0) {
    return H1Error{400, "both Content-Length and Transfer-Encoding"};
  }
  if (facts.content_lengths > 1) return H1Error{400, "more than one Content-Length"};
  if (facts.content_lengths == 1 && !facts.content_length) {
    return H1Error{400, "malformed Content-Length"};
  }
  if (facts.transfer_encodings == 0) return std::nullopt;
  if (head.version_minor == 0) return H1Error{400, "Transfer-Encoding in HTTP/1.0"};
  if (facts.transfer_encodings > 1) return H1Error{400, "more than one Transfer-Encoding"};
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
  if (auto error = check_framing(head, facts)) return error;
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
  if (head.status < 100 || head.status > 599) return H1Error{400, "status out of range"};
  if (!is_field_text(head.reason)) return H1Error{400, "control byte in the reason phrase"};
  const Facts facts = gather(head);
  if (auto error = check_framing(head, facts)) return error;
  traits = {};
  traits.content_length = facts.content_length;
  // RFC 9110 8.6, RFC 9112 6.1. A length of 0 is common and harmless.
  if ((head.status < 200 || head.status == 204) &&
      (facts.is_chunked || facts.content_length.value_or(0) > 0)) {
    return H1Error{400, "a body with a status that has none"};
  }
  if (head.status == 101) {
    if (!facts.upgrade_option || facts.upgrades == 0) return H1Error{400, "101 without Upgrade"};
    traits.upgrade = true;
    traits.framing.kind = Framing::Kind::tunnel;
    return std::nullopt;
  }
  const bool has_no_body =
      answers_head || head.status < 200 || head.status == 204 || head.status == 304;
  if (facts.is_chunked && !has_no_body) {
    traits.framing.kind = Framing::Kind::chunked;
  } else if (facts.content_length && !has_no_body) {
    traits.framing = {Framing::Kind::length, *facts.content_length};
  } else if (!has_no_body) {
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
