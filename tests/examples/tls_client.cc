#include "tests/examples/tls_client.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "tests/examples/socket.h"

TlsClient::TlsClient(int port) : fd_(connect_to_loopback(port)), context_(SSL_CTX_new(TLS_client_method())), ssl_(SSL_new(context_.get())) {
  std::signal(SIGPIPE, SIG_IGN);
  SSL_set_fd(ssl_.get(), fd_);
  SSL_set_connect_state(ssl_.get());
}

TlsClient::~TlsClient() {
  ERR_clear_error();
  if (fd_ >= 0) close(fd_);
}

bool TlsClient::handshake() { return SSL_connect(ssl_.get()) == 1; }

bool TlsClient::send(const std::string& text) {
  return SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size())) == static_cast<int>(text.size());
}

bool TlsClient::send_until_blocked(std::size_t most) {
  const timeval second = {1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof second);
  const std::string block(16384, 'x');
  for (std::size_t sent = 0; sent < most; sent += block.size())
    if (SSL_write(ssl_.get(), block.data(), static_cast<int>(block.size())) <= 0) return false;
  return true;
}

std::string TlsClient::read_some() {
  if (!ahead_.empty()) return std::exchange(ahead_, "");
  char buffer[16384];
  const int n = SSL_read(ssl_.get(), buffer, sizeof buffer);
  return n > 0 ? std::string(buffer, static_cast<std::size_t>(n)) : "";
}

std::string TlsClient::read_until(const std::string& text) {
  std::string all;
  while (all.find(text) == std::string::npos) {
    const std::string part = read_some();
    if (part.empty()) return all;
    all += part;
  }
  const std::size_t end = all.find(text) + text.size();
  ahead_ = all.substr(end);
  return all.substr(0, end);
}

std::string TlsClient::read_all() {
  std::string all;
  for (std::string part = read_some(); !part.empty(); part = read_some()) all += part;
  return all;
}

std::string TlsClient::read_exactly(std::size_t count) {
  std::string all;
  while (all.size() < count) {
    const std::string part = read_some();
    if (part.empty()) return all;
    all += part;
  }
  ahead_ = all.substr(count);
  all.resize(count);
  return all;
}

std::string TlsClient::read_answer() {
  const std::string head = read_until("\r\n\r\n");
  const std::size_t field = head.find("Content-Length: ");
  return field == head.npos ? head : head + read_exactly(std::strtoul(head.c_str() + field + 16, nullptr, 10));
}

std::string TlsClient::exchange(const std::string& text) {
  std::string all;
  char buffer[16384];
  fcntl(fd_, F_SETFL, O_NONBLOCK);
  for (std::size_t sent = 0; all.size() < text.size();) {
    const std::size_t portion = std::min(sizeof buffer, text.size() - sent);
    int n = portion ? SSL_write(ssl_.get(), text.data() + sent, static_cast<int>(portion)) : 0;
    if (n > 0) {
      sent += static_cast<std::size_t>(n);
      continue;
    }
    n = SSL_read(ssl_.get(), buffer, sizeof buffer);
    if (n > 0) {
      all.append(buffer, static_cast<std::size_t>(n));
      continue;
    }
    pollfd entry = {fd_, static_cast<short>(portion ? POLLIN | POLLOUT : POLLIN), 0};
    if (SSL_get_error(ssl_.get(), n) != SSL_ERROR_WANT_READ || poll(&entry, 1, 40000) <= 0) break;
  }
  fcntl(fd_, F_SETFL, 0);
  return all;
}

bool TlsClient::closed_in_order() const { return SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN; }

void TlsClient::close_output() { SSL_shutdown(ssl_.get()); }

bool TlsClient::send_raw(const std::string& bytes) {
  return write(fd_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size());
}

std::string TlsClient::read_raw() {
  std::string all;
  char buffer[16384];
  for (ssize_t n; (n = read(fd_, buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
  return all;
}

void TlsClient::end_raw_output() { shutdown(fd_, SHUT_WR); }

void TlsClient::vanish(bool reset) {
  const linger now = {1, 0};
  if (reset) setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  close(fd_);
  fd_ = -1;
}

std::string TlsClient::client_hello() {
  const std::unique_ptr<SSL, Free> ssl(SSL_new(context_.get()));
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl.get(), in, out);
  SSL_set_connect_state(ssl.get());
  SSL_do_handshake(ssl.get());
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out, &bytes);
  return std::string(bytes, static_cast<std::size_t>(size));
}
