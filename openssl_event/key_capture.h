// Takes the traffic secrets of TLS 1.3 from libssl's key log (SSL_CTX_set_keylog_callback), as it puts them to use.
#ifndef OPENSSL_EVENT_KEY_CAPTURE_H
#define OPENSSL_EVENT_KEY_CAPTURE_H

#include <cstddef>

#include <openssl/ssl.h>

namespace openssl_event {

class KeyListener {
 public:
  // libssl has just changed to the key of this secret, which protects what the server, or the client, sends. The bytes
  // are wiped when this returns.
  virtual void traffic_secret(bool of_server, const unsigned char* secret, std::size_t size) noexcept = 0;

 protected:
  ~KeyListener() = default;
};

// Installs the key log callback, once, in front of the one that is there.
bool prepare_context(SSL_CTX* context) noexcept;
bool is_prepared(const SSL_CTX* context) noexcept;

// The key log callback that gets the lines after this one: of a context that is prepared. False: it is not.
bool set_next_keylog(SSL_CTX* context, SSL_CTX_keylog_cb_func callback) noexcept;
SSL_CTX_keylog_cb_func next_keylog(const SSL_CTX* context) noexcept;

// libssl's own two functions, for a layer that stands in front of them. Before any context is prepared.
struct KeylogFunctions {
  void (*set)(SSL_CTX* context, SSL_CTX_keylog_cb_func callback);
  SSL_CTX_keylog_cb_func (*get)(const SSL_CTX* context);
};
void use_keylog_functions(const KeylogFunctions& functions) noexcept;

// From now on `listener`, and nobody else, gets the secrets of `ssl`. False without memory.
bool listen_to_keys(SSL* ssl, KeyListener* listener) noexcept;
void stop_listening_to_keys(SSL* ssl, const KeyListener* listener) noexcept;

}  // namespace openssl_event

#endif
