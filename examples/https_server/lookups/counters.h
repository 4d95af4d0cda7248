// What the lookups count. By any thread.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_COUNTERS_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_COUNTERS_H

#include <atomic>
#include <cstdint>
#include <string>

namespace https {

struct LookupCounters {
  using Counter = std::atomic<std::uint64_t>;

  Counter session_hits = 0, session_misses = 0;
  Counter session_failures = 0;  // the store failed, or what it had was not authentic
  Counter session_refused = 0;   // too much waited for the store: a full handshake, at once
  Counter sessions_stored = 0, sessions_removed = 0, store_failures = 0, stores_refused = 0;
  Counter certificates_loaded = 0, certificate_failures = 0, names_unknown = 0;
  Counter staples_fetched = 0, staple_failures = 0, staples_served = 0;
  Counter ticket_key_loads = 0, ticket_key_failures = 0, tickets_unknown = 0;

  std::string to_text() const;  // in the text format of Prometheus
};

}  // namespace https

#endif
