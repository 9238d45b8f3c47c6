// SHA-256 against FIPS 180-2's own examples.
#include "tls/sha256.h"

#include <string>
#include <string_view>

#include <doctest/doctest.h>

TEST_CASE("SHA-256 of known texts, whole and in pieces") {
  struct Case {
    std::string text;
    std::string_view hash;
  };
  const Case cases[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {std::string(1'000'000, 'a'),
       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.text.size());
    tls::Sha256 whole;
    whole.add(base::as_bytes(c.text));
    CHECK(tls::hex_digits(whole.finish()) == c.hash);
    tls::Sha256 pieces;
    for (size_t at = 0; at < c.text.size(); at += 777)
      pieces.add(base::as_bytes(std::string_view(c.text).substr(at, 777)));
    CHECK(tls::hex_digits(pieces.finish()) == c.hash);
  }
}
