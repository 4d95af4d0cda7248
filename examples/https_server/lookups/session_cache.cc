#include "examples/https_server/lookups/session_cache.h"

#include <openssl/ssl.h>

#include <optional>
#include <utility>

namespace https {
namespace {

constexpr auto kPatience =
    std::chrono::milliseconds(500);  // in the pool's queue; who waited longer gets a full handshake

struct FreeSession {
  void operator()(SSL_SESSION* session) const { SSL_SESSION_free(session); }
};
using SessionPointer = std::unique_ptr<SSL_SESSION, FreeSession>;

std::string id_of(const SSL_SESSION* session) {
  unsigned size = 0;
  const unsigned char* id = SSL_SESSION_get_id(session, &size);
  return {reinterpret_cast<const char*>(id), size};
}

// Printable, as memcached wants it.
std::string key_of(const std::string& id) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string key = "tls-session:";
  for (const char c : id) {
    const auto byte = static_cast<unsigned char>(c);
    key += kDigits[byte >> 4];
    key += kDigits[byte & 15];
  }
  return key;
}

std::string serialized(SSL_SESSION* session) {
  const int size = i2d_SSL_SESSION(session, nullptr);
  std::string der(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
  auto* to = reinterpret_cast<unsigned char*>(der.data());
  if (size > 0) i2d_SSL_SESSION(session, &to);
  return der;
}

SessionPointer parsed(std::string& der) {
  const auto* from = reinterpret_cast<const unsigned char*>(der.data());
  SessionPointer session(d2i_SSL_SESSION(nullptr, &from, static_cast<long>(der.size())));
  OPENSSL_cleanse(der.data(), der.size());
  return session;
}

}  // namespace

SessionCache::SessionCache(std::unique_ptr<SessionCipher> cipher, std::string session_id_context,
                           const std::string& host, int port, LookupPool& pool, LookupCounters& counters)
    : cipher_(std::move(cipher)),
      context_(std::move(session_id_context)),
      memcached_(host, port),
      pool_(pool),
      counters_(counters) {}

void SessionCache::answer(OPENSSL_EVENT* e, void (*done)(void* arg, OPENSSL_EVENT* e), void* arg) {
  const bool alone = memcached_.is_left_alone();
  const Clock::time_point now = Clock::now();
  if (!alone && pool_.submit([=, this] {
        look_up(e, now);
        done(arg, e);
      }))
    return;
  ++(alone ? counters_.session_failures : counters_.session_refused);
  openssl_answerNone(e);
  done(arg, e);
}

void SessionCache::look_up(OPENSSL_EVENT* e, Clock::time_point since) {
  if (openssl_isCancelled(e)) return;
  const OPENSSL_SESSION_LOOKUP& wanted = *e->l.u.session;
  const std::string id(reinterpret_cast<const char*>(wanted.id), wanted.id_len);
  std::string sealed;
  LookupCounters::Counter* counter = &counters_.session_failures;
  if (Clock::now() - since > kPatience) {
    counter = &counters_.session_refused;
  } else {
    const Memcached::Result result = memcached_.get(key_of(id), sealed);
    if (result == Memcached::Result::none) counter = &counters_.session_misses;
    std::optional<std::string> der;
    if (result == Memcached::Result::done) der = cipher_->open(sealed, associated_with(id));
    const SessionPointer session = der ? parsed(*der) : nullptr;
    if (session && openssl_answerSession(e, session.get())) {
      ++counters_.session_hits;
      return;
    }
  }
  ++*counter;
  openssl_answerNone(e);
}

void SessionCache::store(SSL_SESSION* session) {
  const std::string id = id_of(session);
  const auto lifetime = std::chrono::seconds(SSL_SESSION_get_timeout(session));
  std::string der = serialized(session);
  const std::optional<std::string> sealed = cipher_->seal(der, associated_with(id));
  OPENSSL_cleanse(der.data(), der.size());
  if (id.empty() || der.empty() || !sealed || memcached_.is_left_alone()) {
    ++counters_.store_failures;
    return;
  }
  const bool taken = pool_.submit([this, key = key_of(id), value = *sealed, lifetime] {
    const bool stored = memcached_.set(key, value, lifetime) == Memcached::Result::done;
    ++(stored ? counters_.sessions_stored : counters_.store_failures);
  });
  if (!taken) ++counters_.stores_refused;
}

void SessionCache::remove(SSL_SESSION* session) {
  const std::string id = id_of(session);
  if (id.empty() || memcached_.is_left_alone()) return;
  pool_.submit([this, key = key_of(id)] {
    if (memcached_.remove(key) == Memcached::Result::done) ++counters_.sessions_removed;
  });
}

}  // namespace https
