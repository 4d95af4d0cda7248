// Sessions: asked for by id, made, and removed.
#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {

bool SessionQuestion::fill(const unsigned char* id, std::size_t size) noexcept {
  if (!identity.copy(id, size)) return false;
  operands = {identity.data(), size};
  return true;
}

namespace {

int refuse(SSL*, void*) noexcept { return 0; }

// A miss leads to a full handshake; of a connection that is being freed it must end before keys are made.
SSL_SESSION* end_handshake(SSL* ssl) noexcept {
  SSL_set_cert_cb(ssl, refuse, nullptr);
  return nullptr;
}

SSL_SESSION* ask_previous(SSL* ssl, const unsigned char* id, int size, int* copy) noexcept {
  const ContextLookups* lookups = lookups_of(SSL_get_SSL_CTX(ssl));
  return lookups && lookups->previous_get ? lookups->previous_get(ssl, id, size, copy) : nullptr;
}

}  // namespace

SSL_SESSION* session_asked(SSL* ssl, const unsigned char* id, int size, int* copy) noexcept {
  *copy = 0;  // libssl gets the reference that we have
  if (!Connection::of(ssl)) return ask_previous(ssl, id, size, copy);
  Reply reply = ask<SessionQuestion>(
      ssl, [=](SessionQuestion& question) { return question.fill(id, static_cast<std::size_t>(size)); });
  if (reply.answer() == Answer::cancelled) return end_handshake(ssl);
  return reply.has_value() ? reply.as<SessionQuestion>().session.release() : nullptr;
}

int session_made(SSL* ssl, SSL_SESSION* session) noexcept {
  if (Connection* connection = Connection::of(ssl)) {
    connection->session_made(session);
    return 0;  // the event has a reference of its own
  }
  const ContextLookups* lookups = lookups_of(SSL_get_SSL_CTX(ssl));
  return lookups && lookups->previous_new ? lookups->previous_new(ssl, session) : 0;
}

void session_removed(SSL_CTX* context, SSL_SESSION* session) noexcept {
  ContextLookups* lookups = lookups_of(context);
  if (!lookups) return;
  lookups->removed.push(session);
  if (lookups->previous_remove) lookups->previous_remove(context, session);
}

struct RemovedSessions::Node {
  SessionPointer session;
  Node* next;
};

RemovedSessions::~RemovedSessions() {
  while (SSL_SESSION* session = pop()) SSL_SESSION_free(session);
}

// Without memory the store keeps a session until it expires there.
void RemovedSessions::push(SSL_SESSION* session) noexcept {
  Node* node = new (std::nothrow) Node{SessionPointer(up_ref(session)), nullptr};
  if (!node) return;
  const std::lock_guard lock(mutex_);
  (last_ ? last_->next : first_) = node;
  last_ = node;
}

SSL_SESSION* RemovedSessions::pop() noexcept {
  std::unique_ptr<Node> node;
  {
    const std::lock_guard lock(mutex_);
    node.reset(first_);
    if (!node) return nullptr;
    first_ = node->next;
    if (!first_) last_ = nullptr;
  }
  return node->session.release();
}

}  // namespace openssl_event
