// An answer, and how it becomes blocks of cleartext.
#ifndef EXAMPLES_HTTPS_SERVER_RESPONSE_H
#define EXAMPLES_HTTPS_SERVER_RESPONSE_H

#include <cstdint>
#include <string>
#include <string_view>

#include "openssl_event/openssl_event.h"

namespace https {

struct Answer {
  int status = 200;
  std::string_view type = "text/plain; charset=utf-8";
  std::string_view field;     // one more line of the head, or empty
  std::string text;           // the body, or ...
  std::uint64_t filler = 0;   // ... so many bytes of letters
  bool quit = false;          // the server is to end
};

Answer error_answer(int status);

// What becomes of the connection when the answer has been sent.
enum class After { stay, stay_1_0, close };

// Sends one answer, in blocks that are made when the connection has use for them: of any N bytes of filler, only the
// blocks on their way exist, and those share one piece of memory.
class Response {
 public:
  void start(const Answer& answer, bool with_body, After after);
  bool active() const { return !text_.empty() || filler_left_ > 0; }

  // The next block, as a CLEARTEXT_IN for the machine. nullptr: no memory.
  OPENSSL_EVENT* next_block();

 private:
  std::string text_;  // head and, if it is text, body: what has not been put into a block yet
  std::uint64_t filler_left_ = 0;
};

}  // namespace https

#endif
