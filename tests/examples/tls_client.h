// A client on plain libssl and a blocking socket, for what curl does not do: stop reading, send half a request, vanish.
#ifndef TESTS_EXAMPLES_TLS_CLIENT_H
#define TESTS_EXAMPLES_TLS_CLIENT_H

#include <openssl/ssl.h>

#include <memory>
#include <string>

class TlsClient {
 public:
  // Connects the socket. Every read and write has a limit of time.
  explicit TlsClient(int port);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool handshake();
  bool send(const std::string& text);
  bool send_until_blocked(std::size_t most);  // false: blocked for a second before so many bytes were sent
  std::string read_some();               // "" at the end
  std::string read_until(const std::string& text);
  std::string read_all();                // to the end, of whatever kind
  std::string read_exactly(std::size_t count);
  std::string read_answer();             // head and body, by Content-Length
  std::string exchange(const std::string& text);  // sends it, reads only while that is blocked, and so many bytes
  bool closed_in_order() const;          // the end was a close_notify
  void close_output();                   // sends close_notify

  bool send_raw(const std::string& bytes);
  std::string read_raw();                // to the end of the connection
  void end_raw_output();                 // shuts the socket's output
  void vanish(bool reset);               // closes the socket without a word
  std::string client_hello();            // the bytes of one, for send_raw

  std::string protocol() const { return SSL_get_version(ssl_.get()); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  int fd_;
  std::unique_ptr<SSL_CTX, Free> context_;
  std::unique_ptr<SSL, Free> ssl_;
  std::string ahead_;  // read beyond what read_until was asked for
};

#endif
