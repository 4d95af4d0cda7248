// What the server counts, and how Prometheus reads it.
#ifndef EXAMPLES_HTTPS_SERVER_METRICS_H
#define EXAMPLES_HTTPS_SERVER_METRICS_H

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "engine_workers/engine_workers.h"
#include "openssl_event/openssl_event.h"

namespace https {

// Counted by the network thread only.
struct Metrics {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;         // connections, now
  std::uint64_t handshakes = 0;   // finished, resumptions included
  std::uint64_t resumptions = 0;
  std::uint64_t requests[OPENSSL_PATH_DIRECT + 1] = {};  // by who opened their records
  std::map<std::string, std::uint64_t> failures;         // by labels
  std::uint64_t calls[OPENSSL_OPERATION_DECAPSULATE + 1][2] = {};  // by operation; executed inline, by a worker
  OPENSSL_HISTOGRAM inline_run = {};

  void add_failure(const OPENSSL_STATUS& status, bool in_handshake);
  void add_abandoned_handshake(const char* why);
  void add_request(const openssl_t* tls);
  void add_call(const OPENSSL_ENGINE_CALL& call, bool by_worker);
  void add_inline_run(std::chrono::nanoseconds duration);

  // The text format of Prometheus, version 0.0.4. `workers` may be nullptr.
  std::string to_text(const openssl_workers_t* workers) const;
};

}  // namespace https

#endif
