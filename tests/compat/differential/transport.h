// How the bytes of one SSL travel: all the ways in which a program can give it a transport.
#ifndef TESTS_COMPAT_DIFFERENTIAL_TRANSPORT_H
#define TESTS_COMPAT_DIFFERENTIAL_TRANSPORT_H

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace openssl_event::testing {

class Transport {
 public:
  virtual ~Transport() = default;
  virtual void attach(SSL* ssl) = 0;
  // Makes bytes arrive, and does not return before they have.
  virtual void give(std::string_view bytes) = 0;
  virtual void give_end() = 0;
  // All that the SSL has written since the last time.
  virtual std::string take() = 0;
  // Bytes that have arrived and that the SSL has not read.
  virtual long unread() = 0;
  // The layer may answer WANT_WRITE on it during a handshake: then poll says when to call again.
  virtual int descriptor() const { return -1; }
};

// "fd", "rfd-wfd", "socket-bio", "rbio-wbio", "filter", "buffer" over TCP; "unix-fd"; "memory", "pair", "custom".
const std::vector<std::string>& transport_names();
std::unique_ptr<Transport> make_transport(const std::string& name);

// Two connected sockets, non-blocking unless told otherwise.
void make_sockets(bool tcp, bool blocking, int (&fds)[2]);

}  // namespace openssl_event::testing

#endif
