// One SSL with its transport. Every call is written down with all that a program can see of it afterwards.
#ifndef TESTS_COMPAT_DIFFERENTIAL_SIDE_H
#define TESTS_COMPAT_DIFFERENTIAL_SIDE_H

#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/compat/differential/transport.h"

namespace openssl_event::testing {

class Side {
 public:
  // Takes over `ssl`.
  Side(const char* name, SSL* ssl, std::unique_ptr<Transport> transport);
  ~Side();
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  SSL* ssl() const { return ssl_; }
  Transport& transport() { return *transport_; }

  // Calls, writes down, and returns the value. The one thing that the layer may do and libssl does not is left out: WANT_WRITE
  // during a handshake over TCP, whose small flights never fill a socket; the call is made again when poll says so.
  long call(const std::string& what, const std::function<long()>& function);
  int error() const { return error_; }

  // The usual functions, by name: "SSL_accept", "SSL_read_ex" ...
  int handshake(const std::string& function);
  int read(const std::string& function, std::size_t size);
  int write(const std::string& function, const std::string& text);
  int shutdown();
  std::string received;

  // Bytes from the peer that have not been given to the transport.
  std::string inbox;
  // Gives at most so many of them; 0: all. False: there are none.
  bool deliver(std::size_t most);

  static void say(const std::string& line);
  // Until it is set to nullptr, what this thread says goes there.
  static void say_to(std::string* text);

 private:
  void write_down(const std::string& what, long value, int saved_errno);

  const std::string name_;
  SSL* ssl_;
  std::unique_ptr<Transport> transport_;
  std::set<std::string> written_;
  int error_ = 0;
};

// Moves what each side has written to the other's inbox.
void exchange(Side& one, Side& other);

}  // namespace openssl_event::testing

#endif
