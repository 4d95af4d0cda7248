#include "benchmarks/support/peers.h"

#include <openssl/err.h>

namespace benchmarks {
namespace {

SSL* make_ssl(SSL_CTX* context, bool server) {
  SSL* ssl = SSL_new(context);
  require(ssl != nullptr, "SSL_new");
  server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
  return ssl;
}

}  // namespace

PlainPeer::PlainPeer(SSL_CTX* context, bool server)
    : ssl_(make_ssl(context, server)), in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) {
  require(in_ && out_, "BIO_new");
  SSL_set_bio(ssl_.get(), in_, out_);
}

void PlainPeer::write(const char* data, std::size_t size, Wire& to) {
  require(SSL_write(ssl_.get(), data, static_cast<int>(size)) == static_cast<int>(size), "SSL_write");
  take(to);
}

std::size_t PlainPeer::read(Wire& from) {
  static thread_local char buffer[OPENSSL_MAX_PLAINTEXT];
  if (from.len) require(BIO_write(in_, from.bytes.data(), static_cast<int>(from.len)) > 0, "BIO_write");
  from.clear();
  std::size_t sum = 0;
  int size;
  while ((size = SSL_read(ssl_.get(), buffer, sizeof buffer)) > 0) sum += static_cast<std::size_t>(size);
  require(SSL_get_error(ssl_.get(), size) == SSL_ERROR_WANT_READ, "SSL_read");
  return sum;
}

Machine::Machine(SSL_CTX* context, bool server) {
  SSL* ssl = make_ssl(context, server);
  tls_.reset(openssl_new(ssl));
  SSL_free(ssl);
  require(tls_ != nullptr, "openssl_new");
}

void Machine::note(const OPENSSL_STATUS& status) {
  if (status.status == OPENSSL_STATUS_HANDSHAKE_DONE) done_ = true;
  require(status.status != OPENSSL_STATUS_ERROR, status.text);
}

void connect(PlainPeer& client, PlainPeer& server) {
  Wire there, back;
  while (!client.done() || !server.done()) {
    client.handshake(back, there);
    server.handshake(there, back);
  }
  client.read(back);
}

void connect(PlainPeer& client, Machine& server) {
  Wire there, back;
  while (!client.done() || !server.done()) {
    client.handshake(back, there);
    server.handshake(there, back, InPlace{server.get()});
  }
  client.read(back);
}

Wire client_hello(SSL_CTX* context) {
  PlainPeer client(context);
  Wire there, nothing;
  client.handshake(nothing, there);
  return there;
}

}  // namespace benchmarks
