// The functions that tell and set an SSL's BIOs: the program sees its own.
#include <openssl/ssl.h>

#include "compat/real.h"
#include "compat/record_filter.h"
#include "compat/session.h"

using namespace openssl_event::compat;

namespace {

using BiosOfProgram = DataPath::BiosOfProgram;

DataPath* path_of(const SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  return session ? session->data_path() : nullptr;
}

// Of a BIO around an SSL; else nullptr.
SSL* inside(BIO* bio) noexcept {
  SSL* ssl = nullptr;
  if (bio && BIO_method_type(bio) == BIO_TYPE_SSL) BIO_get_ssl(bio, &ssl);
  return ssl;
}

// Its SSL_clear is libssl's own.
long reset(BIO* bio, SSL* ssl, long larg, void* parg) {
  const long value = real_BIO_ctrl(bio, BIO_CTRL_RESET, larg, parg);
  DataPath* const path = SSL_in_before(ssl) ? path_of(ssl) : nullptr;
  if (path) path->restart();
  return value;
}

}  // namespace

BIO* SSL_get_rbio(const SSL* ssl) { return behind_filter(real_SSL_get_rbio(ssl)); }
BIO* SSL_get_wbio(const SSL* ssl) { return behind_filter(real_SSL_get_wbio(ssl)); }

void SSL_set0_rbio(SSL* ssl, BIO* bio) {
  const BiosOfProgram exposed(path_of(ssl));
  real_SSL_set0_rbio(ssl, bio);
}

void SSL_set0_wbio(SSL* ssl, BIO* bio) {
  const BiosOfProgram exposed(path_of(ssl));
  real_SSL_set0_wbio(ssl, bio);
}

void SSL_set_bio(SSL* ssl, BIO* input, BIO* output) {
  const BiosOfProgram exposed(path_of(ssl));
  real_SSL_set_bio(ssl, input, output);
}

int SSL_set_fd(SSL* ssl, int fd) {
  const BiosOfProgram exposed(path_of(ssl));
  return real_SSL_set_fd(ssl, fd);
}

int SSL_set_rfd(SSL* ssl, int fd) {
  const BiosOfProgram exposed(path_of(ssl));
  return real_SSL_set_rfd(ssl, fd);
}

int SSL_set_wfd(SSL* ssl, int fd) {
  const BiosOfProgram exposed(path_of(ssl));
  return real_SSL_set_wfd(ssl, fd);
}

// A filter BIO around an SSL calls libssl's inner functions, which know nothing of a suspended handshake, and sees the
// SSL's BIOs themselves.
long BIO_ctrl(BIO* bio, int command, long larg, void* parg) {
  if (SSL* const ssl = command == BIO_CTRL_RESET ? inside(bio) : nullptr) return reset(bio, ssl, larg, parg);
  if (command != BIO_C_SET_SSL || !parg || !bio || BIO_method_type(bio) != BIO_TYPE_SSL)
    return real_BIO_ctrl(bio, command, larg, parg);
  SSL* const ssl = static_cast<SSL*>(parg);
  if (Session* session = Session::find_or_make(ssl)) session->never_suspend();
  DataPath* const path = path_of(ssl);
  if (path) path->leave_to_libssl();
  const BiosOfProgram exposed(path);
  return real_BIO_ctrl(bio, command, larg, parg);
}

BIO* BIO_push(BIO* bio, BIO* append) {
  SSL* const ssl = inside(bio);
  const BiosOfProgram exposed(ssl ? path_of(ssl) : nullptr);
  return real_BIO_push(bio, append);
}

BIO* BIO_pop(BIO* bio) {
  SSL* const ssl = inside(bio);
  const BiosOfProgram exposed(ssl ? path_of(ssl) : nullptr);
  return real_BIO_pop(bio);
}
