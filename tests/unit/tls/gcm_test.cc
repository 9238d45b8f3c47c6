// AES-GCM as mbedTLS's users see it, on every set of kernels that this processor runs and without.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <doctest/doctest.h>
#include <mbedtls/gcm.h>

#include "base/check.h"

#if defined(MBEDTLS_GCM_ALT)
#include "gcm_kernels.h"
#endif

// Compiled into the library for this test alone.
extern "C" int mbedtls_gcm_self_test(int verbose);

namespace {

using Octets = std::vector<unsigned char>;

constexpr size_t tag_bytes = 16;

struct Message {
  Octets key;
  Octets iv;
  Octets add;
  Octets plain;
  Octets sealed;
  Octets tag;
  bool wrong = false;  // the tag is
};

Octets octets_of(std::string_view hex) {
  Octets bytes;
  if (hex == "-") return bytes;
  CHECK(hex.size() % 2 == 0);
  for (size_t i = 0; i < hex.size(); i += 2)
    bytes.push_back(
        static_cast<unsigned char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return bytes;
}

std::vector<Message> published_messages() {
  std::ifstream file(OPENAI_PROXY_SOURCE_DIR "/tests/unit/tls/gcm_vectors.txt");
  std::vector<Message> messages;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    std::array<std::string, 6> word;
    for (std::string& each : word)
      words >> each;
    Message message{octets_of(word[0]),
                    octets_of(word[1]),
                    octets_of(word[2]),
                    {},
                    octets_of(word[4]),
                    octets_of(word[5])};
    message.wrong = word[3] == "FAIL";
    message.plain = message.wrong ? Octets(message.sealed.size()) : octets_of(word[3]);
    messages.push_back(message);
  }
  return messages;
}

// A context with a key.
class Gcm {
 public:
  explicit Gcm(const Octets& key) {
    mbedtls_gcm_init(&context_);
    CHECK(mbedtls_gcm_setkey(&context_,
                             MBEDTLS_CIPHER_ID_AES,
                             key.data(),
                             static_cast<unsigned>(key.size() * 8)) == 0);
  }
  ~Gcm() { mbedtls_gcm_free(&context_); }
  Gcm(const Gcm&) = delete;
  Gcm& operator=(const Gcm&) = delete;
  Gcm(Gcm&&) = delete;
  Gcm& operator=(Gcm&&) = delete;

  mbedtls_gcm_context* get() { return &context_; }

  // All at once, apart from `message.plain`; makes `message.sealed` and `tag`.
  void seal(Message& message) {
    message.sealed.assign(message.plain.size(), 0xee);
    message.tag.assign(tag_bytes, 0xee);
    CHECK(mbedtls_gcm_crypt_and_tag(&context_,
                                    MBEDTLS_GCM_ENCRYPT,
                                    message.plain.size(),
                                    message.iv.data(),
                                    message.iv.size(),
                                    message.add.data(),
                                    message.add.size(),
                                    message.plain.data(),
                                    message.sealed.data(),
                                    message.tag.size(),
                                    message.tag.data()) == 0);
  }

  // All at once, from message.sealed into `into`, which may be the same.
  int open(const Message& message, const unsigned char* from, unsigned char* into) {
    return mbedtls_gcm_auth_decrypt(&context_,
                                    message.sealed.size(),
                                    message.iv.data(),
                                    message.iv.size(),
                                    message.add.data(),
                                    message.add.size(),
                                    message.tag.data(),
                                    message.tag.size(),
                                    from,
                                    into);
  }

  // In parts, cut at `add_cut` and `cut`: what `seal` would make, but from mbedTLS's own code.
  std::pair<Octets, Octets> seal_in_parts(const Message& message, size_t add_cut, size_t cut) {
    Octets sealed(message.plain.size() + 15);
    Octets tag(message.tag.size());
    size_t count = 0;
    size_t total = 0;
    CHECK(mbedtls_gcm_starts(
              &context_, MBEDTLS_GCM_ENCRYPT, message.iv.data(), message.iv.size()) == 0);
    CHECK(mbedtls_gcm_update_ad(&context_, message.add.data(), add_cut) == 0);
    CHECK(mbedtls_gcm_update_ad(
              &context_, message.add.data() + add_cut, message.add.size() - add_cut) == 0);
    for (const auto& [begin, size] :
         {std::pair{size_t{0}, cut}, {cut, message.plain.size() - cut}}) {
      CHECK(mbedtls_gcm_update(&context_,
                               message.plain.data() + begin,
                               size,
                               sealed.data() + total,
                               sealed.size() - total,
                               &count) == 0);
      total += count;
    }
    CHECK(mbedtls_gcm_finish(&context_,
                             sealed.data() + total,
                             sealed.size() - total,
                             &count,
                             tag.data(),
                             tag.size()) == 0);
    sealed.resize(total + count);
    return {sealed, tag};
  }

 private:
  mbedtls_gcm_context context_;
};

// Runs `test` for each set of kernels there is, and for mbedTLS's own code.
template <class Test>
void on_each_kind(Test test) {
#if defined(MBEDTLS_GCM_ALT)
  const auto* const best = openai_proxy_gcm_kernels();
  for (const char* name : {"vaes_avx512", "avx2", "sse"}) {
    if (openai_proxy_gcm_choose(name) != 0) continue;
    CAPTURE(std::string(name));
    test();
  }
  CHECK(openai_proxy_gcm_choose(nullptr) == 0);
#endif
  CAPTURE("mbedTLS");
  test();
#if defined(MBEDTLS_GCM_ALT)
  CHECK(openai_proxy_gcm_choose(best == nullptr ? nullptr : best->name) == 0);
#endif
}

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  Octets octets(size_t size) {
    Octets bytes(size);
    for (unsigned char& byte : bytes)
      byte = static_cast<unsigned char>(random_());
    return bytes;
  }
  size_t below(size_t bound) { return random_() % bound; }
  Message message(size_t key_bytes, size_t size, size_t add_size) {
    return {
        octets(key_bytes), octets(12), octets(add_size), octets(size), Octets(size), Octets(16)};
  }

 private:
  std::mt19937 random_;
};

TEST_CASE("AES-GCM: mbedTLS's own test") {
  on_each_kind([] { REQUIRE(mbedtls_gcm_self_test(0) == 0); });
}

TEST_CASE("AES-GCM: published messages, at once, in place and in parts") {
  const std::vector<Message> messages = published_messages();
  REQUIRE(messages.size() == 78);
  on_each_kind([&] {
    for (size_t i = 0; i < messages.size(); ++i) {
      CAPTURE(i);
      const Message& message = messages[i];
      Gcm gcm(message.key);
      Octets into(message.sealed.size(), 0xee);
      const int result = gcm.open(message, message.sealed.data(), into.data());
      REQUIRE(result == (message.wrong ? MBEDTLS_ERR_GCM_AUTH_FAILED : 0));
      REQUIRE(into == message.plain);  // zeros where the tag is wrong
      if (message.wrong) continue;
      into = message.sealed;
      REQUIRE(gcm.open(message, into.data(), into.data()) == 0);
      REQUIRE(into == message.plain);
      Message again = message;
      gcm.seal(again);
      again.tag.resize(message.tag.size());
      REQUIRE(again.sealed == message.sealed);
      REQUIRE(again.tag == message.tag);
      REQUIRE(gcm.seal_in_parts(message, message.add.size() / 2, message.plain.size() / 3) ==
              std::pair{message.sealed, message.tag});
    }
  });
}

TEST_CASE("AES-GCM: at once is the same as in parts, for every length and every cut") {
  Chance chance(1);
  on_each_kind([&] {
    bool good = true;
    for (const size_t key_bytes : {16U, 24U, 32U}) {
      for (size_t size = 0; size <= 1100; ++size) {
        Message message = chance.message(key_bytes, size, chance.below(48));
        Gcm gcm(message.key);
        gcm.seal(message);
        const size_t cut = chance.below(size + 1);
        const size_t add_cut = chance.below(message.add.size() + 1);
        good = good &&
               gcm.seal_in_parts(message, add_cut, cut) == std::pair{message.sealed, message.tag};
        Octets opened(size);
        good = good && gcm.open(message, message.sealed.data(), opened.data()) == 0 &&
               opened == message.plain;
      }
      Message message = chance.message(key_bytes, 300, 40);
      Gcm gcm(message.key);
      gcm.seal(message);
      for (size_t cut = 0; cut <= 300; ++cut) {
        good = good && gcm.seal_in_parts(message, cut * 40 / 300, cut) ==
                           std::pair{message.sealed, message.tag};
      }
    }
    REQUIRE(good);
  });
}

TEST_CASE("AES-GCM: records of all sizes, IVs of all lengths") {
  Chance chance(2);
  on_each_kind([&] {
    for (const size_t size : {2047U, 4096U, 16383U, 16384U, 70001U}) {
      Message message = chance.message(chance.below(2) * 16 + 16, size, 13);
      Gcm gcm(message.key);
      gcm.seal(message);
      REQUIRE(gcm.seal_in_parts(message, 5, size / 2) == std::pair{message.sealed, message.tag});
    }
    for (size_t iv_bytes = 1; iv_bytes <= 40; ++iv_bytes) {
      Message message = chance.message(16, 100, 5);
      message.iv = chance.octets(iv_bytes);
      Gcm gcm(message.key);
      gcm.seal(message);
      REQUIRE(gcm.seal_in_parts(message, 5, 33) == std::pair{message.sealed, message.tag});
      Octets opened(100);
      REQUIRE(gcm.open(message, message.sealed.data(), opened.data()) == 0);
      REQUIRE(opened == message.plain);
    }
  });
}

TEST_CASE("AES-GCM: one wrong bit anywhere is refused, and nothing is given away") {
  Chance chance(3);
  on_each_kind([&] {
    for (const size_t size : {0U, 1U, 15U, 16U, 130U, 900U}) {
      Message message = chance.message(chance.below(2) * 16 + 16, size, 13);
      Gcm gcm(message.key);
      gcm.seal(message);
      const Octets zeros(size);
      const auto refused = [&](Octets& where, size_t bit) {
        where[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
        Octets into(size, 0xee);
        const int apart = gcm.open(message, message.sealed.data(), into.data());
        const bool wiped = into == zeros;
        into = message.sealed;
        const int in_place = gcm.open(message, into.data(), into.data());
        where[bit / 8] ^= static_cast<unsigned char>(1U << bit % 8);
        return apart == MBEDTLS_ERR_GCM_AUTH_FAILED && in_place == MBEDTLS_ERR_GCM_AUTH_FAILED &&
               wiped && into == zeros;
      };
      bool good = true;
      for (size_t bit = 0; bit < 8 * tag_bytes; ++bit)
        good = good && refused(message.tag, bit);
      for (Octets* where : {&message.iv, &message.add, &message.sealed}) {
        for (size_t bit = 0; bit < 8 * where->size(); bit += 7)
          good = good && refused(*where, bit);
      }
      REQUIRE(good);
    }
  });
}

TEST_CASE("AES-GCM: bad arguments are refused, overlapping buffers are not") {
  Chance chance(4);
  on_each_kind([&] {
    Message message = chance.message(16, 2000, 13);
    Gcm gcm(message.key);
    gcm.seal(message);
    for (const size_t size : {0U, 3U, 17U}) {
      Message other = message;
      other.tag.resize(size);
      Octets into(2000);
      REQUIRE(gcm.open(other, message.sealed.data(), into.data()) == MBEDTLS_ERR_GCM_BAD_INPUT);
    }
    mbedtls_gcm_context unset;
    mbedtls_gcm_init(&unset);
    REQUIRE(mbedtls_gcm_starts(&unset, MBEDTLS_GCM_ENCRYPT, message.iv.data(), 12) != 0);
    mbedtls_gcm_free(&unset);
    REQUIRE(mbedtls_gcm_setkey(&unset, MBEDTLS_CIPHER_ID_AES, message.key.data(), 120) != 0);
    mbedtls_gcm_free(&unset);
    // mbedTLS allows an output that trails its input by 8 bytes.
    Octets area(2008);
    std::copy(message.sealed.begin(), message.sealed.end(), area.begin() + 8);
    REQUIRE(gcm.open(message, area.data() + 8, area.data()) == 0);
    area.resize(2000);
    REQUIRE(area == message.plain);
  });
}

// `bytes` at the very end of a page, before one that cannot be touched.
class Edge {
 public:
  explicit Edge(const Octets& bytes) : size_(static_cast<size_t>(getpagesize())) {
    CHECK(bytes.size() <= size_);
    void* const pages =
        mmap(nullptr, 2 * size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    begin_ = static_cast<unsigned char*>(pages);
    CHECK(mprotect(begin_ + size_, size_, PROT_NONE) == 0);
    bytes_ = begin_ + size_ - bytes.size();
    std::copy(bytes.begin(), bytes.end(), bytes_);
  }
  ~Edge() { munmap(begin_, 2 * size_); }
  Edge(const Edge&) = delete;
  Edge& operator=(const Edge&) = delete;
  Edge(Edge&&) = delete;
  Edge& operator=(Edge&&) = delete;
  [[nodiscard]] unsigned char* get() const { return bytes_; }

 private:
  size_t size_;
  unsigned char* begin_;
  unsigned char* bytes_;
};

TEST_CASE("AES-GCM: no byte beyond a buffer is touched") {
  Chance chance(5);
  on_each_kind([&] {
    for (size_t size = 0; size <= 300; size += size < 100 ? 1 : 9) {
      Message message = chance.message(16 + 16 * (size % 2), size, size % 29);
      Gcm gcm(message.key);
      gcm.seal(message);
      const Edge iv(message.iv);
      const Edge add(message.add);
      const Edge input(message.sealed);
      const Edge output(message.plain);
      const Edge tag(message.tag);
      std::memset(output.get(), 0, size);
      REQUIRE(mbedtls_gcm_auth_decrypt(gcm.get(),
                                       size,
                                       iv.get(),
                                       message.iv.size(),
                                       add.get(),
                                       message.add.size(),
                                       tag.get(),
                                       message.tag.size(),
                                       input.get(),
                                       output.get()) == 0);
      REQUIRE(std::equal(message.plain.begin(), message.plain.end(), output.get()));
    }
  });
}

TEST_CASE("AES-GCM: many contexts, more than tables are kept for, in several threads") {
  constexpr size_t contexts_count = 400;
  constexpr size_t threads_count = 4;
  on_each_kind([&] {
    std::array<bool, threads_count> good{};
    std::vector<std::vector<std::unique_ptr<Gcm>>> left(threads_count);
    const auto work = [&](size_t number) {
      Chance chance(static_cast<unsigned>(number));
      std::vector<Message> messages;
      std::vector<std::unique_ptr<Gcm>> contexts;
      for (size_t i = 0; i < contexts_count; ++i) {
        messages.push_back(chance.message(i % 2 == 0 ? 16 : 32, 100 + i, 13));
        contexts.push_back(std::make_unique<Gcm>(messages.back().key));
        contexts.back()->seal(messages.back());
      }
      bool all = true;
      for (size_t i = 0; i < 8 * contexts_count; ++i) {
        // A few are busy, most are not; now and then one is replaced.
        const size_t which = chance.below(i % 2 == 0 ? 4 : contexts_count);
        Octets opened(messages[which].plain.size());
        all = all &&
              contexts[which]->open(
                  messages[which], messages[which].sealed.data(), opened.data()) == 0 &&
              opened == messages[which].plain;
        if (i % 16 == 0) contexts[which] = std::make_unique<Gcm>(messages[which].key);
      }
      good[number] = all;
      left[number] = std::move(contexts);  // and destroyed by another thread
    };
    std::vector<std::thread> threads;
    for (size_t number = 0; number < threads_count; ++number)
      threads.emplace_back(work, number);
    for (std::thread& thread : threads)
      thread.join();
    REQUIRE(good == std::array{true, true, true, true});
  });
}

#if defined(MBEDTLS_GCM_ALT)
// The end of what the program's own data takes, from the linker.
extern "C" unsigned char edata;
extern "C" unsigned char end;

// How often `needle` stands in the program's zero-initialised data, where the key tables are. The
// bytes are read one by one, past what a sanitizer guards.
__attribute__((no_sanitize("address", "thread", "undefined"))) size_t occurrences(
    const Octets& needle) {
  size_t count = 0;
  const volatile unsigned char* from = &edata;
  const auto size = static_cast<size_t>(&end - &edata);
  for (size_t at = 0; at + needle.size() <= size; ++at) {
    size_t same = 0;
    while (same < needle.size() && from[at + same] == needle.data()[same])
      ++same;
    if (same == needle.size()) ++count;
  }
  return count;
}

TEST_CASE("AES-GCM: a key leaves nothing behind") {
  if (openai_proxy_gcm_kernels() == nullptr) return;
  Chance chance(6);
  std::vector<Message> messages;
  std::vector<std::unique_ptr<Gcm>> contexts;
  for (int i = 0; i < 3; ++i) {
    messages.push_back(chance.message(32, 64, 0));
    contexts.push_back(std::make_unique<Gcm>(messages.back().key));
    contexts.back()->seal(messages.back());
  }
  // An expanded key begins with the key itself.
  for (const Message& message : messages)
    REQUIRE(occurrences(message.key) == 1);
  contexts[1].reset();
  REQUIRE(occurrences(messages[0].key) == 1);
  REQUIRE(occurrences(messages[1].key) == 0);
  REQUIRE(mbedtls_gcm_setkey(
              contexts[2]->get(), MBEDTLS_CIPHER_ID_AES, messages[0].key.data(), 256) == 0);
  REQUIRE(occurrences(messages[2].key) == 0);
  contexts.clear();
  REQUIRE(occurrences(messages[0].key) == 0);
}
#endif

}  // namespace
