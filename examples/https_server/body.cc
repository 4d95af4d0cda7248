#include "examples/https_server/body.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "examples/https_server/syntax.h"

namespace https {

void Body::expect_length(std::uint64_t length) {
  left_ = length;
  next_ = length > 0 ? Part::bytes : Part::nothing;
}

void Body::expect_chunks() {
  next_ = Part::chunk_size;
  trailers_ = 0;
}

bool Body::skip(const char* data, std::size_t len, std::size_t* taken) {
  *taken = 0;
  while (*taken < len && next_ != Part::nothing) {
    std::size_t portion = 0;
    if (next_ == Part::bytes || next_ == Part::chunk)
      skip_bytes(len - *taken, &portion);
    else if (!skip_line(data + *taken, len - *taken, &portion))
      return false;
    *taken += portion;
  }
  return true;
}

void Body::skip_bytes(std::size_t len, std::size_t* taken) {
  *taken = static_cast<std::size_t>(std::min<std::uint64_t>(left_, len));
  left_ -= *taken;
  if (left_ == 0) next_ = next_ == Part::chunk ? Part::chunk_end : Part::nothing;
}

// Unlike those of a head, these lines end with CR LF: whoever forwarded them may not have taken a bare LF for an end.
bool Body::skip_line(const char* data, std::size_t len, std::size_t* taken) {
  const auto* end = static_cast<const char*>(std::memchr(data, '\n', len));
  *taken = end ? static_cast<std::size_t>(end - data) + 1 : len;
  if (line_.size() + *taken > kMostLines) return false;
  line_.append(data, *taken);
  if (!end) return true;
  const bool good = line_.ends_with("\r\n") && use_line(std::string_view(line_).substr(0, line_.size() - 2));
  line_.clear();
  return good;
}

bool Body::use_line(std::string_view line) {
  if (!is_clean(line)) return false;
  switch (next_) {
    case Part::chunk_size: return use_size(line);
    case Part::chunk_end: next_ = Part::chunk_size; return line.empty();
    case Part::trailer:
      trailers_ += line.size();
      if (line.empty()) next_ = Part::nothing;
      return trailers_ <= kMostLines;
    case Part::nothing:
    case Part::bytes:
    case Part::chunk: break;
  }
  return false;
}

// "1a2b", or "1a2b;extensions", which mean nothing here.
bool Body::use_size(std::string_view line) {
  const std::string_view digits = trim(line.substr(0, line.find(';')));
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), left_, 16);
  next_ = left_ > 0 ? Part::chunk : Part::trailer;
  return error == std::errc() && end == digits.data() + digits.size() && line.front() != ' ' && line.front() != '\t';
}

}  // namespace https
