#include "bench/serve/text.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fmt/format.h>

#include "bench/base/chance.h"

namespace bench::serve {
namespace {

constexpr size_t block_bytes_min = 60 * 1024;
constexpr size_t octets_bytes = 65'521;  // prime

constexpr std::array<std::string_view, 117> all_words = {
    "Every", " word",    " of",      " this",  " stream", " leaves",  " on",   " its",
    " own",  ",",        " as",      " soon",  " as",     " it",      " is",   " due",
    ". ",    "这条",     "流里",     "的",     "每个",    "词",       "都",    "单独",
    "发出",  "，",       "到点",     "就走",   "。",      "If",       " they", " reach",
    " you",  " one",     " by",      " one",   ",",       " nothing", " on",   " the",
    " way",  " is",      " holding", " them",  " back",   ". ",       "如果",  "它们",
    "一个",  "接",       "一个",     "地",     "到",      "您",       "眼前",  "，",
    "说明",  "途中",     "没有",     "谁",     "在",      "攒着",     "它们",  "。",
    "A",     " good",    " proxy",   " is",    " boring", ":",        " it",   " carries",
    " each", " byte",    ",",        " adds",  " no",     " delay",   " and",  " keeps",
    " no",   " secrets", ". ",       "好的",   "代理",    "平淡",     "无奇",  "：",
    "字节",  "原样",     "经过",     "，",     "不添",    "延迟",     "，",    "不留",
    "秘密",  "。",       "Take",     " your",  " time",   ". ",       "不必",  "着急",
    "，",    "您要",     "多长",     "，",     "它就",    "流",       "多长",  "。",
    "Here",  " we",      " go",      " again", ". "};

std::string make_prose() {
  std::string text;
  while (text.size() < block_bytes_min) {
    for (const std::string_view word : all_words)
      text += word;
  }
  return text;
}

std::string make_octets() {
  std::string text;
  uint64_t state = 1;
  while (text.size() < octets_bytes)
    text += static_cast<char>(next_chance(state) >> 56U);
  return text;
}

// The numbers of both kinds, as of a unit vector of some hundred dimensions.
float number(size_t index) {
  return static_cast<float>(std::sin(static_cast<double>(index)) * 0.04 + 0.05);
}

std::string make_floats() {
  std::string text;
  for (size_t i = 0; text.size() < block_bytes_min; ++i)
    text += fmt::format("{:.6f},", number(i));
  return text;
}

// Groups of twelve bytes, so that any number of groups is whole numbers and needs no padding.
std::string make_base64() {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  uint32_t bits = 0;
  unsigned count = 0;
  for (size_t i = 0; i % 3 != 0 || text.size() < block_bytes_min; ++i) {
    const auto value = std::bit_cast<uint32_t>(number(i));
    for (unsigned byte = 0; byte < 4; ++byte) {  // little endian
      bits = bits << 8U | ((value >> (8 * byte)) & 0xffU);
      count += 8;
      for (; count >= 6; count -= 6)
        text += digits[(bits >> (count - 6)) & 0x3fU];
    }
  }
  return text;
}

}  // namespace

std::span<const std::string_view> words() {
  return all_words;
}

const Blocks& blocks() {
  static const Blocks made = {make_prose(), make_octets(), make_floats(), make_base64()};
  return made;
}

size_t whole_characters(std::string_view text, size_t size) {
  if (size >= text.size()) return text.size();
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xc0U) == 0x80U)
    --size;
  return size;
}

}  // namespace bench::serve
