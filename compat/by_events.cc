#include "compat/by_events.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "compat/compat.h"
#include "openssl_event/error_queue.h"

namespace openssl_event::compat {

// Shared with the blocks that are on their way, which may outlive the SSL.
struct ByEvents::Unsent {
  std::atomic<std::size_t> bytes{0};
  std::atomic<unsigned> references{1};

  void unref() noexcept {
    if (references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
  }
};

// What an SSL_write has taken: this, then the bytes.
struct ByEvents::Block {
  Unsent* unsent;
  std::size_t size;

  char* bytes() noexcept { return reinterpret_cast<char*>(this + 1); }

  static Block* create(Unsent* unsent, const void* buf, std::size_t size) noexcept {
    void* memory = ::operator new(sizeof(Block) + size, std::nothrow);
    if (!memory) return nullptr;
    Block* block = new (memory) Block{unsent, size};
    std::memcpy(block->bytes(), buf, size);
    unsent->bytes.fetch_add(size, std::memory_order_relaxed);
    unsent->references.fetch_add(1, std::memory_order_relaxed);
    return block;
  }
  static void end(void* block) noexcept {
    auto* self = static_cast<Block*>(block);
    OPENSSL_cleanse(self->bytes(), self->size);
    self->unsent->bytes.fetch_sub(self->size, std::memory_order_relaxed);
    self->unsent->unref();
    ::operator delete(block);
  }
};

std::atomic<bool> ByEvents::in_use_{false};

namespace {

// A copy of an SSL has no connection.
int forget_in_copy(CRYPTO_EX_DATA*, const CRYPTO_EX_DATA*, void** from, int, long, void*) noexcept {
  *from = nullptr;
  return 1;
}

}  // namespace

int ByEvents::index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, forget_in_copy, ByEvents::end);
  return index;
}

ByEvents* ByEvents::find(const SSL* ssl) noexcept {
  return ssl ? static_cast<ByEvents*>(SSL_get_ex_data(ssl, index())) : nullptr;
}

ByEvents* ByEvents::find_idle(const SSL* ssl) noexcept {
  ByEvents* self = find(ssl);
  const Connection* connection = self ? self->connection() : nullptr;
  return connection && connection->busy() ? nullptr : self;
}

bool ByEvents::enable(SSL* ssl) noexcept {
  if (find(ssl)) return true;
  auto* unsent = new (std::nothrow) Unsent;
  auto* self = unsent ? new (std::nothrow) ByEvents(ssl, unsent) : nullptr;
  if (self && SSL_set_ex_data(ssl, index(), self)) {
    in_use_ = true;
    return true;
  }
  self ? delete self : delete unsent;
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  return false;
}

void ByEvents::end(void*, void* self, CRYPTO_EX_DATA*, int, long, void*) noexcept { delete static_cast<ByEvents*>(self); }

ByEvents::~ByEvents() {
  while (first_) consume(static_cast<std::size_t>(first_->pub.c.len) - offset_);
  unsent_->unref();
}

bool ByEvents::give(Event* e) noexcept {
  switch (kind_of(e)) {
    case OPENSSL_CLEARTEXT_OUT_KIND:
      if (e->pub.c.len == 0) return openssl_returnEvent(&e->pub);
      e->completion_next = nullptr;
      (last_ ? last_->completion_next : first_) = e;
      last_ = e;
      pending_ += static_cast<std::size_t>(e->pub.c.len);
      return true;
    case OPENSSL_STATUS_OUT_KIND:
      if (e->pub.s.status == OPENSSL_STATUS_CLOSE_NOTIFY) closed_ = true;
      if (e->pub.s.status == OPENSSL_STATUS_ERROR) {
        failed_ = true;
        code_ = e->pub.s.error.code;
      }
      return openssl_returnEvent(&e->pub);
    default: return misuse("openssl_giveClassic", "neither a CLEARTEXT_OUT nor a STATUS_OUT");
  }
}

// ---- What the modules call ----

int ByEvents::lacks(int error) noexcept {
  error_ = error;
  return 0;
}

int ByEvents::fails() noexcept {
  OPENSSL_ERROR error = {};
  error.code = code_;
  if (code_)
    raise_error(error);
  else
    ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "the connection has ended");
  return lacks(SSL_ERROR_SSL);
}

std::size_t ByEvents::copy(void* buf, std::size_t size) const noexcept {
  auto* to = static_cast<char*>(buf);
  std::size_t sum = 0, offset = offset_;
  for (const Event* e = first_; e && sum < size; e = e->completion_next, offset = 0) {
    const std::size_t portion = std::min(size - sum, static_cast<std::size_t>(e->pub.c.len) - offset);
    std::memcpy(to + sum, e->pub.c.buf + offset, portion);
    sum += portion;
  }
  return sum;
}

void ByEvents::consume(std::size_t size) noexcept {
  pending_ -= size;
  for (offset_ += size; first_ && offset_ >= static_cast<std::size_t>(first_->pub.c.len);) {
    Event* e = std::exchange(first_, first_->completion_next);
    offset_ -= static_cast<std::size_t>(e->pub.c.len);
    e->completion_next = nullptr;
    openssl_returnEvent(&e->pub);
  }
  if (!first_) last_ = nullptr;
}

// The bytes of several records at once, as a stream has no bounds.
int ByEvents::read(void* buf, std::size_t size, std::size_t* taken, bool peeks) noexcept {
  *taken = 0;
  if (first_) {
    *taken = copy(buf, size);
    if (!peeks) consume(*taken);
    error_ = SSL_ERROR_NONE;
    return 1;
  }
  if (closed_ && !failed_) return lacks(SSL_ERROR_ZERO_RETURN);
  return failed_ || !connection() ? fails() : lacks(SSL_ERROR_WANT_READ);
}

int ByEvents::write(const void* buf, std::size_t size, std::size_t* written) noexcept {
  *written = 0;
  Connection* const connection = this->connection();
  if (failed_ || !connection) return fails();
  if (connection->output_closing()) {
    ERR_raise(ERR_LIB_SSL, SSL_R_PROTOCOL_IS_SHUTDOWN);
    return lacks(SSL_ERROR_SSL);
  }
  if (!connection->established()) return lacks(SSL_ERROR_WANT_READ);
  if (unsent_->bytes.load(std::memory_order_relaxed) >= OPENSSL_CLASSIC_MAX_UNSENT) return lacks(SSL_ERROR_WANT_WRITE);
  if (size > 0) {
    Block* block = Block::create(unsent_, buf, size);
    OPENSSL_EVENT* e = block ? openssl_wrapCleartextInEvent(block->bytes(), size, Block::end, block) : nullptr;
    if (!e) {
      if (block) Block::end(block);
      ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
      return lacks(SSL_ERROR_SSL);
    }
    openssl_putEvent(connection, e);
  }
  *written = size;
  error_ = SSL_ERROR_NONE;
  return 1;
}

int ByEvents::handshake() noexcept {
  const Connection* const connection = this->connection();
  if (failed_ || !connection) return fails() - 1;
  if (!connection->established()) return lacks(SSL_ERROR_WANT_READ) - 1;
  error_ = SSL_ERROR_NONE;
  return 1;
}

int ByEvents::shutdown() noexcept {
  Connection* const connection = this->connection();
  if (failed_ || !connection) return fails() - 1;
  connection->close_output();
  if (!closed_ || first_) return lacks(SSL_ERROR_WANT_READ);
  error_ = SSL_ERROR_NONE;
  return 1;
}

int ByEvents::want() const noexcept {
  switch (error_) {
    case SSL_ERROR_WANT_READ: return SSL_READING;
    case SSL_ERROR_WANT_WRITE: return SSL_WRITING;
    default: return SSL_NOTHING;
  }
}

}  // namespace openssl_event::compat

using namespace openssl_event;
using openssl_event::compat::ByEvents;

int openssl_enableClassic(openssl_t* tls) {
  SSL* ssl = tls->ssl();
  if (ssl) return ByEvents::enable(ssl);
  ERR_raise_data(ERR_LIB_USER, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, "openssl_enableClassic after openssl_releaseSsl");
  return 0;
}

int openssl_giveClassic(openssl_t* tls, OPENSSL_EVENT* e) {
  Event* event = event_of(e);
  if (!held_by_application(event, "openssl_giveClassic")) return 0;
  ByEvents* modules = ByEvents::find(tls->ssl());
  if (!modules) return misuse("openssl_giveClassic", "openssl_enableClassic comes before");
  return modules->give(event);
}
