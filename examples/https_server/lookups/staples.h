// OCSP staples of the certificates that the server shows: fetched when the first client wants one, kept till
// nextUpdate, and fetched again before that.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_STAPLES_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_STAPLES_H

#include <chrono>
#include <ctime>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "examples/https_server/lookups/counters.h"
#include "examples/https_server/lookups/pool.h"
#include "openssl_event/openssl_event.h"

namespace https {

class Staples {
 public:
  using Done = void (*)(void* arg, OPENSSL_EVENT* e);

  // `url` "": the responder that each certificate names.
  Staples(std::string url, LookupPool& pool, LookupCounters& counters, Done done, void* arg);

  // Answers e, now or on a thread of the pool, and then says done(arg, e). Those who want the staple that is being
  // fetched wait for it together. By the network thread.
  void answer(OPENSSL_EVENT* e);

 private:
  using Clock = std::chrono::steady_clock;
  struct Entry {
    std::string der;
    std::time_t next_update = 0;
    std::time_t refresh = 0;       // from then on it is fetched again
    Clock::time_point not_before;  // of the next attempt, after a failure
    bool fetching = false;
    std::vector<OPENSSL_EVENT*> waiting;
  };

  bool begin_fetch(const std::string& name, Entry& entry, const OPENSSL_STAPLE_LOOKUP& wanted);
  void fetch(const std::string& name, X509* certificate, X509* issuer);
  void finish(OPENSSL_EVENT* e, const std::string& der);

  const std::string url_;
  LookupPool& pool_;
  LookupCounters& counters_;
  const Done done_;
  void* const arg_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;  // by the certificate's SHA-256
};

}  // namespace https

#endif
