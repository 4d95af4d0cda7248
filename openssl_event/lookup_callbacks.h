// What libssl calls instead of the application's callbacks, once openssl_setLookups has said so.
#ifndef OPENSSL_EVENT_LOOKUP_CALLBACKS_H
#define OPENSSL_EVENT_LOOKUP_CALLBACKS_H

#include <openssl/ssl.h>

#include <mutex>

#include "openssl_event/lookup_questions.h"

namespace openssl_event {

// The sessions that have left a context's cache: pushed by libssl, on any thread and under the context's lock; popped
// by any.
class RemovedSessions {
 public:
  ~RemovedSessions();
  void push(SSL_SESSION* session) noexcept;
  SSL_SESSION* pop() noexcept;

 private:
  struct Node;
  std::mutex mutex_;
  Node* first_ = nullptr;
  Node* last_ = nullptr;
};

// What an SSL_CTX has for its lookups; freed with it.
struct ContextLookups {
  unsigned on = 0;
  SSL_SESSION* (*previous_get)(SSL*, const unsigned char*, int, int*) = nullptr;
  int (*previous_new)(SSL*, SSL_SESSION*) = nullptr;
  void (*previous_remove)(SSL_CTX*, SSL_SESSION*) = nullptr;
  RemovedSessions removed;
};
// nullptr: openssl_setLookups was not called for it.
ContextLookups* lookups_of(const SSL_CTX* context) noexcept;

int client_hello_asked(SSL* ssl, int* alert, void*) noexcept;
int certificate_asked(SSL* ssl, int* alert, void*) noexcept;
int alpn_asked(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
               void*) noexcept;
SSL_SESSION* session_asked(SSL* ssl, const unsigned char* id, int size, int* copy) noexcept;
int session_made(SSL* ssl, SSL_SESSION* session) noexcept;
void session_removed(SSL_CTX* context, SSL_SESSION* session) noexcept;
int ticket_key_asked(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                     int encrypts) noexcept;
int staple_asked(SSL* ssl, void*) noexcept;
int verify_asked(X509_STORE_CTX* verification, void*) noexcept;

// PSKs of TLS 1.3 and of older versions come by different callbacks.
int psk_of_server(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) noexcept;
unsigned old_psk_of_server(SSL* ssl, const char* identity, unsigned char* psk, unsigned room) noexcept;
int psk_of_client(SSL* ssl, const EVP_MD* digest, const unsigned char** identity, std::size_t* size,
                  SSL_SESSION** session) noexcept;
unsigned old_psk_of_client(SSL* ssl, const char* hint, char* identity, unsigned identity_room, unsigned char* psk,
                           unsigned room) noexcept;

}  // namespace openssl_event

#endif
