// The head of an HTTP/1.x request, cut out of the stream of cleartext (RFC 9112).
#ifndef EXAMPLES_HTTPS_SERVER_REQUEST_H
#define EXAMPLES_HTTPS_SERVER_REQUEST_H

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "examples/https_server/body.h"

namespace https {

struct Request {
  std::string_view method;  // these two point into the reader, until its next take()
  std::string_view target;
  bool version_1_1 = false;
  bool keep_alive = false;
};

class RequestReader {
 public:
  enum class State {
    partial,   // all was taken, and it takes more
    complete,  // request() is whole; the next take() begins another
    refused,   // refusal() says why; there is no telling where another request would begin
    lost,      // the same, in the body of a request that has been handed out: it has its answer
  };
  static constexpr std::size_t kMostHead = 16384;

  // Takes bytes up to the end of one head; *taken tells how many. A body is skipped in front of the next head.
  State take(const char* data, std::size_t len, std::size_t* taken);

  const Request& request() const { return request_; }
  int refusal() const { return refusal_; }  // a status of RFC 9110: 400, 413, 414, 431, 501, 505

  bool in_head() const { return !complete_ && !head_.empty(); }  // it has begun, and is not whole
  bool in_body() const { return body_.expected(); }

 private:
  bool take_line(const char* data, std::size_t len, std::size_t* taken);
  bool head_ended() const;
  State parse();
  int parse_head();
  int parse_request_line(std::string_view line);
  int parse_version(std::string_view version);
  int parse_field(std::string_view line);
  int parse_host(std::string_view value);
  int parse_length(std::string_view value);
  int parse_connection(std::string_view value);
  int parse_codings(std::string_view value);
  int expect_body();

  // What the fields of a head have told.
  struct Fields {
    int hosts = 0;
    std::optional<std::uint64_t> length;
    bool has_codings = false, chunked = false, other_coding = false;  // Transfer-Encoding
    bool close = false, keep_alive = false;                           // Connection
    bool expects_continue = false;
  };

  std::string head_;
  bool complete_ = false;  // head_ holds a request that has been handed out
  Request request_;
  Fields fields_;
  Body body_;              // of the request that was complete last
  int refusal_ = 0;
};

}  // namespace https

#endif
