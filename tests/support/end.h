// One end of a TLS connection in memory: a machine, or plain libssl.
#ifndef TESTS_SUPPORT_END_H
#define TESTS_SUPPORT_END_H

#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace openssl_event::testing {

class End {
 public:
  End() = default;
  virtual ~End() = default;
  End(const End&) = delete;
  End& operator=(const End&) = delete;

  // Does what can be done now.
  virtual void work() = 0;
  // Takes bytes of the other end, which are the next ones; does not work.
  virtual void receive(std::string_view bytes) = 0;
  // The transport has ended.
  virtual void end_input() = 0;
  // The bytes for the other end made so far.
  virtual std::string take_output() = 0;

  // Application data after what was sent before; close_notify after that.
  virtual void send(std::string_view data) = 0;
  virtual void close_output() = 0;
  // TLS 1.2: asks for a renegotiation.
  virtual void renegotiate() = 0;

  virtual SSL* ssl() const = 0;
  virtual bool established() const = 0;
  // What ended the connection: OpenSSL's error code, 0 if it has not failed or no code tells.
  virtual bool failed() const = 0;
  virtual unsigned long error() const = 0;
  // close_notify has come.
  virtual bool closed_in() const = 0;

  // Application data of the other end.
  const std::string& received() const { return received_; }

 protected:
  std::string received_;
};

// Carries the output of each end to the other one, in chunks of so many bytes at most, until both have none.
void carry(End& a, End& b, std::size_t chunk = SIZE_MAX);
// Brings `bytes` to an end in such chunks, and lets it work after each.
void deliver(End& to, std::string_view bytes, std::size_t chunk = SIZE_MAX);

}  // namespace openssl_event::testing

#endif
