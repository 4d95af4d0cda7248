#include "examples/https_server/request.h"

#include <charconv>
#include <cstring>

#include "examples/https_server/syntax.h"

namespace https {
namespace {

constexpr int kGood = 0, kBad = 400;

// The line that begins the text, without its end (LF, or CR LF), which it takes off.
std::string_view cut_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end + 1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  return line;
}

}  // namespace

RequestReader::State RequestReader::take(const char* data, std::size_t len, std::size_t* taken) {
  *taken = 0;
  if (complete_) {
    complete_ = false;
    head_.clear();
  }
  if (!body_.skip(data, len, taken)) return State::lost;
  while (*taken < len) {
    std::size_t portion = 0;
    const bool whole = take_line(data + *taken, len - *taken, &portion);
    *taken += portion;
    if (head_.size() > kMostHead) {
      refusal_ = head_.find('\n') < kMostHead ? 431 : 414;  // the fields, or the target
      return State::refused;
    }
    if (whole && head_ended()) return parse();
  }
  return State::partial;
}

// Appends up to the end of a line; true if that has come. Empty lines before a head are left out (RFC 9112 2.2).
bool RequestReader::take_line(const char* data, std::size_t len, std::size_t* taken) {
  const auto* end = static_cast<const char*>(std::memchr(data, '\n', len));
  *taken = end ? static_cast<std::size_t>(end - data) + 1 : len;
  head_.append(data, *taken);
  if (head_ == "\r\n" || head_ == "\n") {
    head_.clear();
    return false;
  }
  return end != nullptr;
}

// Called with a whole line at the end of head_: true if that line is empty.
bool RequestReader::head_ended() const {
  return head_.size() >= 2 && (head_.ends_with("\n\n") || head_.ends_with("\n\r\n"));
}

RequestReader::State RequestReader::parse() {
  complete_ = true;
  request_ = {};
  fields_ = {};
  refusal_ = parse_head();
  return refusal_ == kGood ? State::complete : State::refused;
}

int RequestReader::parse_head() {
  std::string_view rest = head_;
  int status = parse_request_line(cut_line(rest));
  for (std::string_view line = cut_line(rest); status == kGood && !line.empty(); line = cut_line(rest)) status = parse_field(line);
  if (status != kGood) return status;
  if (fields_.hosts > 1 || (fields_.hosts == 0 && request_.version_1_1)) return kBad;
  return expect_body();
}

int RequestReader::parse_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (!is_clean(line) || first == line.npos || first == last) return kBad;
  request_.method = line.substr(0, first);
  request_.target = line.substr(first + 1, last - first - 1);
  if (const int status = parse_version(line.substr(last + 1)); status != kGood) return status;
  return is_token(request_.method) && is_target(request_.method, request_.target) ? kGood : kBad;
}

// RFC 9110 2.5: what 1.2 has more than 1.1 may be left alone; 2 has another form.
int RequestReader::parse_version(std::string_view version) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  if (version.size() != 8 || version.substr(0, 5) != "HTTP/" || version[6] != '.' || !is_digit(version[5]) || !is_digit(version[7]))
    return kBad;
  request_.version_1_1 = version[7] != '0';
  return version[5] == '1' ? kGood : 505;
}

int RequestReader::parse_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon)) || !is_clean(line)) return kBad;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (same(name, "host")) return parse_host(value);
  if (same(name, "connection")) return parse_connection(value);
  if (same(name, "content-length")) return parse_length(value);
  if (same(name, "transfer-encoding")) return parse_codings(value);
  if (same(name, "expect")) fields_.expects_continue = true;
  return kGood;
}

int RequestReader::parse_host(std::string_view value) {
  ++fields_.hosts;
  return is_host(value) ? kGood : kBad;
}

int RequestReader::parse_connection(std::string_view value) {
  for (std::string_view word; next_word(value, word);) {
    fields_.close |= same(word, "close");
    fields_.keep_alive |= same(word, "keep-alive");
  }
  return kGood;
}

int RequestReader::parse_length(std::string_view value) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (end != value.data() + value.size() || value.empty()) return kBad;
  if (error == std::errc::result_out_of_range) return 413;
  if (error != std::errc() || (fields_.length && fields_.length != length)) return kBad;
  fields_.length = length;
  return kGood;
}

int RequestReader::parse_codings(std::string_view value) {
  fields_.has_codings = true;
  for (std::string_view coding; next_word(value, coding);) {
    if (coding.empty()) continue;
    if (fields_.chunked) return kBad;  // chunks come last, and once
    if (same(coding, "chunked"))
      fields_.chunked = true;
    else
      fields_.other_coding = true;
  }
  return kGood;
}

// RFC 9112 6: where the head could mean two lengths of body, whoever forwarded it may have read the other one.
int RequestReader::expect_body() {
  if (fields_.has_codings) {
    if (!fields_.chunked || fields_.length || !request_.version_1_1) return kBad;
    if (fields_.other_coding) return 501;
    body_.expect_chunks();
  } else if (fields_.length) {
    body_.expect_length(*fields_.length);
  }
  const bool stays = request_.version_1_1 || fields_.keep_alive;
  // RFC 9110 10.1.1: who is not asked to go on by a 100 may send the body, or leave it out; nothing can follow that.
  request_.keep_alive = stays && !fields_.close && !(fields_.expects_continue && body_.expected());
  return kGood;
}

}  // namespace https
