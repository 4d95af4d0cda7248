// Plain libssl on memory BIOs, driven by SSL_read and SSL_write only: what a machine is compared with.
#ifndef TESTS_SUPPORT_PLAIN_END_H
#define TESTS_SUPPORT_PLAIN_END_H

#include "tests/support/contexts.h"
#include "tests/support/end.h"

namespace openssl_event::testing {

class PlainEnd : public End {
 public:
  explicit PlainEnd(Ssl ssl);
  PlainEnd(Ssl ssl, BIO* in, BIO* out);

  void work() override;
  void receive(std::string_view bytes) override;
  void end_input() override;
  std::string take_output() override;
  void send(std::string_view data) override { unsent_ += data; }
  void close_output() override { close_requested_ = true; }
  void renegotiate() override { SSL_renegotiate(ssl_.get()); }
  SSL* ssl() const override { return ssl_.get(); }
  bool established() const override { return established_; }
  bool failed() const override { return failed_; }
  unsigned long error() const override { return error_; }
  bool closed_in() const override { return closed_in_; }

 private:
  bool may_write() const;
  void write();
  void read();
  bool note(int value);
  void take_error();

  Ssl ssl_;
  std::string unsent_;
  unsigned long error_ = 0;
  bool close_requested_ = false;
  bool established_ = false;
  bool failed_ = false;
  bool closed_in_ = false;
};

}  // namespace openssl_event::testing

#endif
