#include "tests/examples/answering_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

AnsweringServer::AnsweringServer(const std::string& certificate_file, const std::string& key_file, const std::string& answer,
                                 bool in_order)
    : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address = {};
  socklen_t size = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_TRUE(bind(listener_, generic, size) == 0 && listen(listener_, 1) == 0 && getsockname(listener_, generic, &size) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread([=, this] { serve(certificate_file, key_file, answer, in_order); });
}

AnsweringServer::~AnsweringServer() {
  shutdown(listener_, SHUT_RDWR);  // if nobody has come
  thread_.join();
  close(listener_);
}

void AnsweringServer::serve(const std::string& certificate_file, const std::string& key_file, const std::string& answer,
                            bool in_order) {
  const int fd = accept(listener_, nullptr, nullptr);
  if (fd < 0) return;
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  SSL_CTX_use_certificate_file(context, certificate_file.c_str(), SSL_FILETYPE_PEM);
  SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  char request[8192];
  if (SSL_accept(ssl) == 1 && SSL_read(ssl, request, sizeof request) > 0) {
    if (!answer.empty()) SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
    if (in_order) SSL_shutdown(ssl);
  }
  shutdown(fd, SHUT_WR);
  while (read(fd, request, sizeof request) > 0) {
  }
  SSL_free(ssl);
  SSL_CTX_free(context);
  close(fd);
}
