#include "tests/examples/answering_server.h"

#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/examples/socket.h"

namespace {

// Reads to the end of a request; false: it does not come.
bool read_request(SSL* ssl, std::string& rest) {
  char buffer[8192];
  while (rest.find("\r\n\r\n") == std::string::npos) {
    const int n = SSL_read(ssl, buffer, sizeof buffer);
    if (n <= 0) return false;
    rest.append(buffer, static_cast<std::size_t>(n));
  }
  rest.erase(0, rest.find("\r\n\r\n") + 4);
  return true;
}

}  // namespace

AnsweringServer::AnsweringServer(const std::string& certificate_file, const std::string& key_file, const std::string& answer,
                                 End end)
    : listener_(listen_on_loopback(port_)) {
  thread_ = std::thread([=, this] { serve(certificate_file, key_file, answer, end); });
}

AnsweringServer::~AnsweringServer() {
  shutdown(listener_, SHUT_RDWR);  // if nobody has come
  thread_.join();
  close(listener_);
}

void AnsweringServer::serve(const std::string& certificate_file, const std::string& key_file, const std::string& answer,
                            End end) {
  const int fd = accept(listener_, nullptr, nullptr);
  if (fd < 0) return;
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate_file(context, certificate_file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_set_options(context, SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  std::string rest;
  if (SSL_accept(ssl) == 1) {
    while (read_request(ssl, rest)) {
      if (!answer.empty()) SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
      if (end != End::of_client) break;
    }
    if (end != End::abrupt) SSL_shutdown(ssl);
  }
  shutdown(fd, SHUT_WR);
  char unread[8192];
  while (read(fd, unread, sizeof unread) > 0) {
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  close(fd);
}
