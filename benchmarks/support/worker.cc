#include "benchmarks/support/worker.h"

#include <poll.h>
#include <sched.h>

#include "benchmarks/support/credentials.h"

namespace benchmarks {

std::vector<int> part_processors() {
  cpu_set_t allowed, own;
  std::vector<int> others;
  CPU_ZERO(&own);
  require(sched_getaffinity(0, sizeof allowed, &allowed) == 0, "sched_getaffinity");
  if (CPU_COUNT(&allowed) < 2) return others;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed)) continue;
    if (CPU_COUNT(&own) == 0)
      CPU_SET(cpu, &own);
    else
      others.push_back(cpu);
  }
  require(sched_setaffinity(0, sizeof own, &own) == 0, "sched_setaffinity");
  return others;
}

Worker::Worker(const std::vector<int>& cpus) : completions(openssl_newCompletions()) {
  OPENSSL_WORKERS_CONFIG config = {};
  config.size = sizeof config;
  config.threads = 1;
  config.cpus = cpus.data();
  config.cpu_count = cpus.size();
  workers = openssl_newWorkers(&config);
  require(completions && workers, "openssl_newWorkers");
}

Worker::~Worker() {
  openssl_freeWorkers(workers);
  openssl_freeCompletions(completions);
}

void Worker::wait() const {
  pollfd readable = {openssl_completionFd(completions), POLLIN, 0};
  require(poll(&readable, 1, -1) == 1, "poll");
}

}  // namespace benchmarks
