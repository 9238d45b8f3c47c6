#include "openai/usage_chunk_filter.h"

namespace openai {

using Token = JsonReader::Token;

base::Bytes UsageChunkFilter::next(base::Bytes& input) {
  if (held_given_) {
    held_.clear();
    held_given_ = false;
  }
  std::string_view all = base::as_text(input);
  std::string_view rest = all.substr(read_ahead_);
  size_t passing = read_ahead_;  // bytes of `all`; behind them begins what is not decided
  read_ahead_ = 0;
  while (!rest.empty()) {
    const Verdict verdict = read_on(rest);
    const size_t read = all.size() - rest.size();
    if (verdict == Verdict::hide) {
      held_.clear();
      if (passing != 0) {
        input = base::as_bytes(rest);
        return base::as_bytes(all.substr(0, passing));
      }
      all = rest;
    } else if (verdict == Verdict::passes) {
      if (!held_.empty()) {
        held_given_ = true;
        read_ahead_ = read;
        return base::as_bytes(held_);
      }
      passing = read;
    }
  }
  input = {};
  held_.append(all.substr(passing));
  return base::as_bytes(all.substr(0, passing));
}

base::Bytes UsageChunkFilter::finish() {
  held_given_ = true;
  return base::as_bytes(held_);
}

// Reads on to where there is something to say, or to the end of what has come. The verdict is about
// what was read since the last one.
UsageChunkFilter::Verdict UsageChunkFilter::read_on(std::string_view& rest) {
  const bool is_line_end = rest.front() == '\n' || rest.front() == '\r';
  return is_line_end && events_.is_at_boundary() ? read_line_end(rest) : read_event(rest);
}

// Between events.
UsageChunkFilter::Verdict UsageChunkFilter::read_line_end(std::string_view& rest) {
  const bool is_hidden = hides_lf_ && events_.takes_lf() && rest.front() == '\n';
  hides_lf_ = false;
  std::string_view one = rest.substr(0, 1);
  std::string_view part;
  (void)events_.next(one, part);
  rest.remove_prefix(1);
  return is_hidden ? Verdict::hide : Verdict::passes;
}

UsageChunkFilter::Verdict UsageChunkFilter::read_event(std::string_view& rest) {
  std::string_view part;
  while (!rest.empty()) {
    const size_t before = rest.size();
    const EventData::Step step = events_.next(rest, part);
    event_bytes_ += before - rest.size();
    if (event_bytes_ > held_bytes_max) verdict_ = Verdict::passes;
    if (step == EventData::Step::end) return end_event();
    if (step == EventData::Step::data && verdict_ == Verdict::undecided) {
      Token token = Token::none;
      while (verdict_ == Verdict::undecided && (token = reader_.next(part)) != Token::none) {
        on_token(token);
      }
    }
    if (verdict_ == Verdict::passes) break;
  }
  return verdict_;
}

UsageChunkFilter::Verdict UsageChunkFilter::end_event() {
  const bool is_it =
      verdict_ == Verdict::undecided && reader_.is_complete() && choices_are_empty_ && has_usage_;
  hidden_ += is_it ? 1 : 0;
  hides_lf_ = is_it;
  reader_.restart();
  event_bytes_ = 0;
  verdict_ = Verdict::undecided;
  member_ = Member::other;
  choices_are_empty_ = false;
  has_usage_ = false;
  return is_it ? Verdict::hide : Verdict::passes;
}

void UsageChunkFilter::on_token(Token token) {
  if (member_ != Member::other) {
    on_member(token);
    return;
  }
  if (token == Token::key) {
    const std::string_view name = reader_.is_text_whole() ? reader_.text() : std::string_view();
    if (name == "choices") {
      member_ = Member::choices;
    } else if (name == "usage") {
      member_ = Member::usage;
    } else {
      reader_.skip();
    }
    return;
  }
  // The outermost object's beginning and end; everything else is no chunk.
  if (token != Token::open_object && token != Token::close_object) verdict_ = Verdict::passes;
}

// Of the value of `choices` or `usage`.
void UsageChunkFilter::on_member(Token token) {
  const bool is_usage = member_ == Member::usage;
  if (token == (is_usage ? Token::open_object : Token::open_array)) {
    if (is_usage && reader_.depth() == 2) {
      reader_.skip();
      return;
    }
    if (reader_.depth() == 2) return;
  }
  if (token == (is_usage ? Token::close_object : Token::close_array)) {
    (is_usage ? has_usage_ : choices_are_empty_) = true;
    member_ = Member::other;
    return;
  }
  verdict_ = Verdict::passes;
}

}  // namespace openai
