// GnuTLS in the server's place: what another library's own record layer takes.
#ifndef BENCHMARKS_RECORD_PATH_GNUTLS_H
#define BENCHMARKS_RECORD_PATH_GNUTLS_H

#include <gnutls/gnutls.h>

#include <memory>
#include <type_traits>
#include <vector>

#include "benchmarks/record_path/endpoints.h"

namespace benchmarks {

class GnutlsServer {
 public:
  GnutlsServer(const Suite& suite, SSL_CTX* client, const Credentials& credentials);
  GnutlsServer(const GnutlsServer&) = delete;
  GnutlsServer& operator=(const GnutlsServer&) = delete;
  void seal(const Load& load, const char* data, Samples& samples);
  void open(const Load& load, const char* data, Samples& samples);

 private:
  struct Free {
    void operator()(gnutls_session_t session) const { gnutls_deinit(session); }
    void operator()(gnutls_certificate_credentials_t keys) const { gnutls_certificate_free_credentials(keys); }
  };
  using Session = std::unique_ptr<std::remove_pointer_t<gnutls_session_t>, Free>;
  using Keys = std::unique_ptr<std::remove_pointer_t<gnutls_certificate_credentials_t>, Free>;

  static ssize_t push(gnutls_transport_ptr_t self, const void* data, std::size_t size);
  static ssize_t pull(gnutls_transport_ptr_t self, void* data, std::size_t size);
  void handshake();

  PlainPeer client_;
  Keys keys_;
  Session session_;
  Wire to_client_{kWire}, to_server_{kWire};
  std::size_t pulled_ = 0;  // of to_server_
  std::vector<char> received_;
};

}  // namespace benchmarks

#endif
