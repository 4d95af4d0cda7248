// SSL_CTXs and SSLs for the tests: a version, a key, and who must show a certificate.
#ifndef TESTS_SUPPORT_CONTEXTS_H
#define TESTS_SUPPORT_CONTEXTS_H

#include <memory>

#include <openssl/ssl.h>

#include "tests/support/keys.h"

namespace openssl_event::testing {

struct FreeSsl {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using Context = std::unique_ptr<SSL_CTX, FreeSsl>;
using Ssl = std::unique_ptr<SSL, FreeSsl>;

enum class Role { kClient, kServer };

// A server with a key and a client without one, which trusts that. `version` 0: whatever both can. `library`: as for
// SSL_CTX_new_ex. Aborts on failure.
Context make_server_context(int version, KeyType key = KeyType::kEcP256, bool offload = false,
                            OSSL_LIB_CTX* library = nullptr);
Context make_client_context(int version, KeyType key = KeyType::kEcP256, OSSL_LIB_CTX* library = nullptr);
// The client shows a certificate; the server asks for one, and trusts this.
void use_key(SSL_CTX* context, KeyType key, bool offload);
void demand_certificate(SSL_CTX* server);
void trust(SSL_CTX* context, KeyType key);

// With its role set; a client for the server name "localhost".
Ssl make_ssl(SSL_CTX* context, Role role);

// The certificate of shared_key(type), made on first use. Any thread.
X509* shared_certificate(KeyType type);

}  // namespace openssl_event::testing

#endif
