// A client on plain libssl whose bytes reach the network in portions of its own choice: one at a time, or several messages
// in one piece.
#ifndef TESTS_EXAMPLES_CHOPPING_CLIENT_H
#define TESTS_EXAMPLES_CHOPPING_CLIENT_H

#include <openssl/ssl.h>

#include <cstdint>
#include <memory>
#include <string>

class ChoppingClient {
 public:
  // Connects; no handshake yet. `portion`: bytes in one packet; `version` 0: the newest.
  ChoppingClient(int port, std::size_t portion, int version = 0);
  ~ChoppingClient();
  ChoppingClient(const ChoppingClient&) = delete;
  ChoppingClient& operator=(const ChoppingClient&) = delete;

  bool handshake();
  void add(const std::string& text);     // one message, one record at least, that waits for flush()
  void begin_renegotiation();            // its ClientHello waits for flush()
  bool flush();                          // sends what waits
  void set_limit(std::size_t bytes) { limit_ = bytes; }  // sends no more than so many, all in all; then it fails
  std::string read(std::size_t count);   // exactly so many bytes, or fewer at an end
  bool step();                           // goes on with a handshake by what comes; false: nothing comes
  void close(bool reset = false);        // the connection
  long renegotiations() const { return SSL_num_renegotiations(ssl_.get()); }
  bool renegotiating() const { return !SSL_is_init_finished(ssl_.get()); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  bool receive();

  std::size_t limit_ = SIZE_MAX;
  int fd_;
  const std::size_t portion_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
};

// Clients of TLS 1.2 and 1.3 that close, or reset, the connection after each so many bytes of their part of the handshake.
void vanish_at_every_step_of_the_handshake(int port);

#endif
