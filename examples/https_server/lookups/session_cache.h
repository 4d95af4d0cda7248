// Sessions in a memcached that several servers share.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_SESSION_CACHE_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_SESSION_CACHE_H

#include <chrono>
#include <memory>
#include <string>

#include "examples/https_server/lookups/counters.h"
#include "examples/https_server/lookups/memcached.h"
#include "examples/https_server/lookups/pool.h"
#include "examples/https_server/lookups/session_cipher.h"
#include "openssl_event/openssl_event.h"

namespace https {

// The members by the network thread; what they begin goes on in the pool.
class SessionCache {
 public:
  SessionCache(std::unique_ptr<SessionCipher> cipher, std::string session_id_context, const std::string& host, int port,
               LookupPool& pool, LookupCounters& counters);

  // Answers e, now or on a thread of the pool, and then says done(e). A full handshake is never long in coming.
  void answer(OPENSSL_EVENT* e, void (*done)(void* arg, OPENSSL_EVENT* e), void* arg);
  void store(SSL_SESSION* session);
  void remove(SSL_SESSION* session);

 private:
  using Clock = std::chrono::steady_clock;
  void look_up(OPENSSL_EVENT* e, Clock::time_point since);
  std::string associated_with(const std::string& id) const { return id + context_; }

  const std::unique_ptr<SessionCipher> cipher_;
  const std::string context_;
  Memcached memcached_;
  LookupPool& pool_;
  LookupCounters& counters_;
};

}  // namespace https

#endif
