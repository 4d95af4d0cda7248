#include "tests/examples/chopping_client.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "tests/examples/socket.h"

ChoppingClient::ChoppingClient(int port, std::size_t portion, int version)
    : fd_(connect_to_loopback(port)), portion_(portion), context_(SSL_CTX_new(TLS_client_method())) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (version) SSL_CTX_set_max_proto_version(context_.get(), version);
  ssl_.reset(SSL_new(context_.get()));
  SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  SSL_set_connect_state(ssl_.get());
}

ChoppingClient::~ChoppingClient() {
  ERR_clear_error();
  close();
}

void ChoppingClient::close(bool reset) {
  const linger now = {1, 0};
  if (reset) setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

bool ChoppingClient::step() {
  const int result = SSL_do_handshake(ssl_.get());
  return flush() && (result == 1 || (SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ && receive()));
}

bool ChoppingClient::handshake() {
  while (!SSL_is_init_finished(ssl_.get()))
    if (!step()) return false;
  return true;
}

void ChoppingClient::add(const std::string& text) { SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())); }

void ChoppingClient::begin_renegotiation() {
  SSL_renegotiate(ssl_.get());
  SSL_do_handshake(ssl_.get());
}

bool ChoppingClient::flush() {
  char* bytes = nullptr;
  const auto size = static_cast<std::size_t>(BIO_get_mem_data(SSL_get_wbio(ssl_.get()), &bytes));
  for (std::size_t sent = 0, portion; sent < size; sent += portion) {
    portion = std::min({portion_, size - sent, limit_});
    if (portion == 0 || write(fd_, bytes + sent, portion) <= 0) return false;
    limit_ -= portion;
  }
  BIO_reset(SSL_get_wbio(ssl_.get()));
  return true;
}

bool ChoppingClient::receive() {
  char buffer[16384];
  const ssize_t n = ::read(fd_, buffer, sizeof buffer);
  return n > 0 && BIO_write(SSL_get_rbio(ssl_.get()), buffer, static_cast<int>(n)) == n;
}

std::string ChoppingClient::read(std::size_t count) {
  std::string all;
  char buffer[16384];
  while (all.size() < count) {
    const int n = SSL_read(ssl_.get(), buffer, static_cast<int>(std::min(sizeof buffer, count - all.size())));
    if (n > 0)
      all.append(buffer, static_cast<std::size_t>(n));
    else if (SSL_get_error(ssl_.get(), n) != SSL_ERROR_WANT_READ || !flush() || !receive())
      break;
  }
  flush();
  return all;
}

void vanish_at_every_step_of_the_handshake(int port) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const bool reset : {false, true}) {
      for (std::size_t bytes = 0;; bytes += 13) {
        ChoppingClient client(port, SIZE_MAX, version);
        client.set_limit(bytes);
        const bool done = client.handshake();
        client.close(reset);
        if (done) break;
      }
    }
  }
}
