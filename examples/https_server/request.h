// The head of an HTTP/1.x request, cut out of the stream of cleartext (RFC 9112).
#ifndef EXAMPLES_HTTPS_SERVER_REQUEST_H
#define EXAMPLES_HTTPS_SERVER_REQUEST_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace https {

struct Request {
  std::string_view method;  // these two point into the reader, until its next take()
  std::string_view target;
  bool keep_alive = false;
};

class RequestReader {
 public:
  enum class State {
    partial,    // all was taken, and it takes more
    complete,   // request() is whole; the next take() begins another
    bad,        // 400: not HTTP/1.x as RFC 9112 writes it
    too_large,  // 431: a head of more than kMostHead bytes
  };
  static constexpr std::size_t kMostHead = 16384;

  // Takes bytes up to the end of one head; *taken tells how many. A body is skipped in front of the next head.
  State take(const char* data, std::size_t len, std::size_t* taken);

  const Request& request() const { return request_; }

 private:
  bool take_line(const char* data, std::size_t len, std::size_t* taken);
  bool head_ended() const;
  State parse();
  bool parse_request_line(std::string_view line);
  bool parse_field(std::string_view line);
  bool parse_length(std::string_view value);

  std::string head_;
  std::uint64_t body_left_ = 0;
  bool complete_ = false;         // head_ holds a request that has been handed out
  Request request_;
  bool version_1_1_ = false;
  bool has_length_ = false;
  int hosts_ = 0;
};

}  // namespace https

#endif
