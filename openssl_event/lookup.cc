#include "openssl_event/lookup.h"

#include <openssl/err.h>

#include <cstring>
#include <new>

#include "openssl_event/connection.h"
#include "openssl_event/error_queue.h"

namespace openssl_event {
namespace {

void delete_lookup(void* lookup) noexcept { delete static_cast<Lookup*>(lookup); }
void free_session(void* session) noexcept { SSL_SESSION_free(static_cast<SSL_SESSION*>(session)); }

Event* make_lookup(std::unique_ptr<Lookup> lookup, SSL* ssl) noexcept {
  const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!lookup || (name && !lookup->server_name.copy(name, std::strlen(name)))) return nullptr;
  Event* e = make_event(OPENSSL_LOOKUP_OUT_KIND, 0);
  if (!e) return nullptr;
  e->pub.l.question = lookup->question;
  e->pub.l.version = SSL_version(ssl);
  e->pub.l.server_name = lookup->server_name.text();
  lookup->expose(e->pub.l);
  e->release = delete_lookup;
  e->release_argument = lookup.release();
  return e;
}

// A handshake does not go on without these.
bool is_required(int question) noexcept {
  return question &
         (OPENSSL_LOOKUP_CLIENT_HELLO | OPENSSL_LOOKUP_PSK | OPENSSL_LOOKUP_STAPLE_RECEIVED | OPENSSL_LOOKUP_VERIFY);
}

void raise_failure(const Lookup& lookup) noexcept {
  if (lookup.error.code)
    raise_error(lookup.error);
  else
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the lookup %s came back unanswered",
                   openssl_lookupName(lookup.question));
}

}  // namespace

bool Bytes::reserve(std::size_t size) noexcept {
  clear();
  data_ = static_cast<unsigned char*>(::operator new(size + 1, std::nothrow));
  if (!data_) {
    ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
    return false;
  }
  data_[size] = 0;
  size_ = size;
  return true;
}

bool Bytes::copy(const void* data, std::size_t size) noexcept {
  if (!reserve(size)) return false;
  if (size) std::memcpy(data_, data, size);
  return true;
}

void Bytes::clear() noexcept {
  if (data_) OPENSSL_cleanse(data_, size_);
  ::operator delete(data_);
  data_ = nullptr;
  size_ = 0;
}

}  // namespace openssl_event

using namespace openssl_event;

// On the fiber. An error that does not end the handshake must not stay in the queue: libssl would take it for its own.
Reply openssl_connection_st::ask(int question, std::unique_ptr<Lookup> lookup) noexcept {
  if (poisoned()) return Reply(Answer::cancelled);
  Event* e = make_lookup(std::move(lookup), ssl_);
  if (!e) {
    if (!is_required(question)) clear_errors();
    return Reply(Answer::failed);
  }
  if (!wait_for(e)) return Reply(Answer::cancelled);
  const Lookup& asked = lookup_of(e);
  if (is_required(question) && (asked.answer == Answer::missing || asked.answer == Answer::failed)) {
    raise_failure(asked);
    lookup_failed_ = true;
  }
  return Reply(e);
}

// Without memory the session is not stored, and nothing else is lost.
void openssl_connection_st::session_made(SSL_SESSION* session) noexcept {
  if (poisoned()) return;
  Event* e = make_event(OPENSSL_STATUS_OUT_KIND, 0);
  if (!e) return clear_errors();
  SSL_SESSION_up_ref(session);
  e->release = free_session;
  e->release_argument = session;
  e->pub.s.session = session;
  e->pub.s.status = OPENSSL_STATUS_SESSION_NEW;
  e->pub.s.alert_sent = e->pub.s.alert_received = -1;
  e->pub.s.text = openssl_statusName(OPENSSL_STATUS_SESSION_NEW);
  emit(e);
}
