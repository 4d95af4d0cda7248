#include "examples/https_server/response.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>

namespace https {
namespace {

constexpr std::size_t kFirstBlock = OPENSSL_MAX_PLAINTEXT;  // one record: head and beginning of the body together
constexpr std::size_t kBlock = 4 * OPENSSL_MAX_PLAINTEXT;

// What all filler is made of. The machine only reads it.
char* filler() {
  static std::array<char, kBlock> letters = [] {
    std::array<char, kBlock> made;
    for (std::size_t i = 0; i < made.size(); ++i) made[i] = i % 64 == 63 ? '\n' : static_cast<char>('a' + i % 26);
    return made;
  }();
  return letters.data();
}

std::string_view reason_phrase(int status) {
  switch (status) {
    case 200: return "OK";
    case 400: return "Bad Request";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 431: return "Request Header Fields Too Large";
    case 501: return "Not Implemented";
    case 505: return "HTTP Version Not Supported";
    default: return "";
  }
}

// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7), made once a second.
std::string_view date() {
  static std::time_t made_for = -1;
  static char text[32];
  const std::time_t now = std::time(nullptr);
  if (now != made_for) {
    std::tm fields;
    std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &fields));
    made_for = now;
  }
  return text;
}

// RFC 9112 9.3: what an HTTP/1.1 connection does without a word must be said on one of HTTP/1.0.
std::string_view connection_field(After after) {
  switch (after) {
    case After::stay: return "";
    case After::stay_1_0: return "Connection: keep-alive\r\n";
    case After::close: return "Connection: close\r\n";
  }
  return "";
}

}  // namespace

Answer error_answer(int status) {
  Answer answer;
  answer.status = status;
  answer.text = std::to_string(status).append(" ").append(reason_phrase(status)).append("\n");
  if (status == 405) answer.field = "Allow: GET, HEAD\r\n";
  return answer;
}

void Response::start(const Answer& answer, bool with_body, After after) {
  const std::uint64_t length = answer.text.size() + answer.filler;
  text_ = "HTTP/1.1 ";
  text_ += std::to_string(answer.status);
  text_ += ' ';
  text_ += reason_phrase(answer.status);
  text_ += "\r\nServer: openssl_event-example\r\nDate: ";
  text_ += date();
  text_ += "\r\nContent-Type: ";
  text_ += answer.type;
  text_ += "\r\nContent-Length: ";
  text_ += std::to_string(length);
  text_ += "\r\n";
  text_ += connection_field(after);
  text_ += answer.field;
  text_ += "\r\n";
  if (with_body) text_ += answer.text;
  filler_left_ = with_body ? answer.filler : 0;
}

OPENSSL_EVENT* Response::next_block() {
  if (text_.empty()) {
    const std::size_t size = std::min<std::uint64_t>(filler_left_, kBlock);
    OPENSSL_EVENT* block = openssl_wrapCleartextInEvent(filler(), size, nullptr, nullptr);
    if (block) filler_left_ -= size;
    return block;
  }
  const std::size_t room = text_.size() < kFirstBlock ? kFirstBlock - text_.size() : 0;
  const std::size_t letters = std::min<std::uint64_t>(filler_left_, room);
  OPENSSL_EVENT* block = openssl_newCleartextInEvent(nullptr, text_.size() + letters);
  if (!block) return nullptr;
  std::memcpy(block->c.buf, text_.data(), text_.size());
  std::memcpy(block->c.buf + text_.size(), filler(), letters);
  filler_left_ -= letters;
  text_.clear();
  if (text_.capacity() > 4096) text_.shrink_to_fit();
  return block;
}

}  // namespace https
