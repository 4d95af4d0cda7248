#include "examples/https_server/request.h"

#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>

namespace https {
namespace {

// RFC 9110 5.6.2: what a method or a field's name is made of.
bool is_token(std::string_view text) {
  const auto is_token_char = [](unsigned char c) {
    return std::isalnum(c) || (c && std::strchr("!#$%&'*+-.^_`|~", c));
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

bool is_visible(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return c > ' ' && c != 0x7f; });
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && strncasecmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// True if the comma-separated list holds the word.
bool lists(std::string_view list, std::string_view word) {
  while (true) {
    const std::size_t comma = list.find(',');
    if (same(trim(list.substr(0, comma)), word)) return true;
    if (comma == list.npos) return false;
    list.remove_prefix(comma + 1);
  }
}

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
  const std::size_t skipped = std::min<std::uint64_t>(body_left_, len);
  body_left_ -= skipped;
  *taken = skipped;
  while (*taken < len) {
    std::size_t portion = 0;
    const bool whole = take_line(data + *taken, len - *taken, &portion);
    *taken += portion;
    if (head_.size() > kMostHead) return State::too_large;
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
  has_length_ = false;
  hosts_ = 0;
  std::string_view rest = head_;
  if (!parse_request_line(cut_line(rest))) return State::bad;
  for (std::string_view line = cut_line(rest); !line.empty(); line = cut_line(rest))
    if (!parse_field(line)) return State::bad;
  return hosts_ == 1 || (hosts_ == 0 && !version_1_1_) ? State::complete : State::bad;  // RFC 9112 3.2
}

bool RequestReader::parse_request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == line.npos || first == last) return false;
  request_.method = line.substr(0, first);
  request_.target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  version_1_1_ = version == "HTTP/1.1";
  request_.keep_alive = version_1_1_;
  return is_token(request_.method) && is_visible(request_.target) && (version_1_1_ || version == "HTTP/1.0");
}

bool RequestReader::parse_field(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == line.npos || !is_token(line.substr(0, colon))) return false;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trim(line.substr(colon + 1));
  if (same(name, "host")) ++hosts_;
  if (same(name, "connection")) {
    if (lists(value, "close")) request_.keep_alive = false;
    if (lists(value, "keep-alive") && !version_1_1_) request_.keep_alive = true;
  }
  if (same(name, "transfer-encoding")) return false;  // this server has no use for a body, and reads none of that form
  if (same(name, "content-length")) return parse_length(value);
  return true;
}

bool RequestReader::parse_length(std::string_view value) {
  std::uint64_t length = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), length);
  if (error != std::errc() || end != value.data() + value.size()) return false;
  if (has_length_ && length != body_left_) return false;
  has_length_ = true;
  body_left_ = length;
  return true;
}

}  // namespace https
