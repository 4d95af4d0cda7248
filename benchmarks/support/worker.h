// A thread beside the network thread that executes calls.
#ifndef BENCHMARKS_SUPPORT_WORKER_H
#define BENCHMARKS_SUPPORT_WORKER_H

#include <vector>

#include "engine_workers/engine_workers.h"

namespace benchmarks {

// The network thread gets the first processor that the process may use, and the worker the others: else the kernel may
// wake the worker where the network thread is, and measure itself. Returns the worker's.
std::vector<int> part_processors();

// One worker, and the queue by which calls come back.
struct Worker {
  explicit Worker(const std::vector<int>& cpus);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Sleeps until a call is back.
  void wait() const;

  openssl_completions_t* completions;
  openssl_workers_t* workers;
};

}  // namespace benchmarks

#endif
