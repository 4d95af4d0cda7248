#include "benchmarks/record_path/gnutls.h"

#include <openssl/pem.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace benchmarks {
namespace {

template <class Write>
std::string pem(Write&& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  require(bio && write(bio), "writing PEM");
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

gnutls_datum_t datum(std::string& text) {
  return {reinterpret_cast<unsigned char*>(text.data()), static_cast<unsigned>(text.size())};
}

}  // namespace

GnutlsServer::GnutlsServer(const Suite& suite, SSL_CTX* client, const Credentials& credentials)
    : client_(client), received_(OPENSSL_MAX_PLAINTEXT) {
  std::string key = pem([&](BIO* bio) {
    return PEM_write_bio_PrivateKey(bio, credentials.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  std::string certificate = pem([&](BIO* bio) { return PEM_write_bio_X509(bio, credentials.certificate.get()); });
  const gnutls_datum_t key_datum = datum(key), certificate_datum = datum(certificate);
  gnutls_certificate_credentials_t keys = nullptr;
  gnutls_session_t session = nullptr;
  require(gnutls_certificate_allocate_credentials(&keys) == 0, "gnutls_certificate_allocate_credentials");
  keys_.reset(keys);
  require(gnutls_certificate_set_x509_key_mem(keys, &certificate_datum, &key_datum, GNUTLS_X509_FMT_PEM) == 0,
          "gnutls_certificate_set_x509_key_mem");
  require(gnutls_init(&session, GNUTLS_SERVER | GNUTLS_NONBLOCK) == 0, "gnutls_init");
  session_.reset(session);
  require(gnutls_priority_set_direct(session, suite.gnutls, nullptr) == 0 &&
              gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, keys) == 0,
          "gnutls_priority_set_direct");
  gnutls_transport_set_ptr(session, this);
  gnutls_transport_set_push_function(session, push);
  gnutls_transport_set_pull_function(session, pull);
  handshake();
}

ssize_t GnutlsServer::push(gnutls_transport_ptr_t self, const void* data, std::size_t size) {
  static_cast<GnutlsServer*>(self)->to_client_.append(data, size);
  return static_cast<ssize_t>(size);
}

ssize_t GnutlsServer::pull(gnutls_transport_ptr_t self, void* data, std::size_t size) {
  auto& server = *static_cast<GnutlsServer*>(self);
  const std::size_t portion = std::min(size, server.to_server_.len - server.pulled_);
  if (portion == 0) {
    gnutls_transport_set_errno(server.session_.get(), EAGAIN);
    return -1;
  }
  std::memcpy(data, server.to_server_.bytes.data() + server.pulled_, portion);
  server.pulled_ += portion;
  if (server.pulled_ == server.to_server_.len) server.pulled_ = server.to_server_.len = 0;
  return static_cast<ssize_t>(portion);
}

void GnutlsServer::handshake() {
  bool done = false;
  while (!client_.done() || !done) {
    client_.handshake(to_client_, to_server_);
    if (done) continue;
    const int value = gnutls_handshake(session_.get());
    require(value == 0 || !gnutls_error_is_fatal(value), gnutls_strerror(value));
    done = value == 0;
  }
  client_.read(to_client_);
}

void GnutlsServer::seal(const Load& load, const char* data, Samples& samples) {
  for (int left = load.records; left > 0; left -= kGo) {
    Go go(samples, std::min(left, kGo));
    go.begin();
    for (int i = 0; i < go.records(); ++i)
      require(gnutls_record_send(session_.get(), data, load.size) > 0, "gnutls_record_send");
    go.end();
  }
  require(client_.read(to_client_) == load.bytes(), "sending all of it");
}

void GnutlsServer::open(const Load& load, const char* data, Samples& samples) {
  for (int i = 0; i < load.records; ++i) client_.write(data, load.size, to_server_);
  for (int left = load.records; left > 0; left -= kGo) {
    Go go(samples, std::min(left, kGo));
    go.begin();
    for (int i = 0; i < go.records(); ++i)
      require(gnutls_record_recv(session_.get(), received_.data(), received_.size()) == static_cast<ssize_t>(load.size),
              "gnutls_record_recv");
    go.end();
  }
}

}  // namespace benchmarks
