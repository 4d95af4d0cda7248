#include "tests/support/plain_end.h"

#include <openssl/err.h>

#include <algorithm>

namespace openssl_event::testing {

PlainEnd::PlainEnd(Ssl ssl) : PlainEnd(std::move(ssl), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem())) {}

PlainEnd::PlainEnd(Ssl ssl, BIO* in, BIO* out) : ssl_(std::move(ssl)) {
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_mode(ssl_.get(), SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
}

void PlainEnd::work() {
  write();
  read();
  write();
  if (close_requested_ && !failed_ && unsent_.empty() && !SSL_in_init(ssl_.get())) {
    SSL_shutdown(ssl_.get());
    close_requested_ = false;
  }
  established_ = established_ || SSL_is_init_finished(ssl_.get());
}

// A renegotiation is driven by SSL_read: inside SSL_write libssl refuses the data that the other end has under way.
bool PlainEnd::may_write() const {
  return !established_ || !(SSL_in_init(ssl_.get()) || SSL_renegotiate_pending(ssl_.get()));
}

void PlainEnd::write() {
  while (!unsent_.empty() && !failed_ && may_write()) {
    ERR_clear_error();
    std::size_t written = 0;
    const std::size_t portion = std::min<std::size_t>(unsent_.size(), 16384);
    if (!note(SSL_write_ex(ssl_.get(), unsent_.data(), portion, &written))) return;
    unsent_.erase(0, written);
  }
}

void PlainEnd::read() {
  char buf[16384];
  while (!closed_in_ && !failed_) {
    ERR_clear_error();
    std::size_t len = 0;
    if (!note(SSL_read_ex(ssl_.get(), buf, sizeof buf, &len))) return;
    received_.append(buf, len);
  }
}

bool PlainEnd::note(int value) {
  if (value > 0) return true;
  switch (SSL_get_error(ssl_.get(), value)) {
    case SSL_ERROR_WANT_READ:
      break;
    case SSL_ERROR_ZERO_RETURN:
      closed_in_ = true;
      break;
    default:
      failed_ = true;
      take_error();
  }
  return false;
}

// As a machine does: a handshake's oldest entry, which is the cause, of data libssl's own, also where EVP has one before.
void PlainEnd::take_error() {
  error_ = ERR_peek_error();
  while (established_ && ERR_GET_LIB(error_) != ERR_LIB_SSL && ERR_peek_error() != 0) error_ = ERR_get_error();
}

void PlainEnd::receive(std::string_view bytes) {
  BIO_write(SSL_get_rbio(ssl_.get()), bytes.data(), static_cast<int>(bytes.size()));
}

void PlainEnd::end_input() { BIO_set_mem_eof_return(SSL_get_rbio(ssl_.get()), 0); }

std::string PlainEnd::take_output() {
  BIO* bio = SSL_get_wbio(ssl_.get());
  std::string bytes(BIO_ctrl_pending(bio), '\0');
  if (!bytes.empty()) BIO_read(bio, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace openssl_event::testing
