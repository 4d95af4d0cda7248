// What a pool is made of: the caller's configuration with the defaults filled in.
#ifndef ENGINE_WORKERS_SETTINGS_H
#define ENGINE_WORKERS_SETTINGS_H

#include <sched.h>

#include <chrono>
#include <cstddef>
#include <string>

#include "engine_workers/engine_workers.h"

namespace openssl_event {

struct Settings {
  unsigned threads;
  std::size_t queue_length;
  std::string name;
  bool has_cpus;  // the threads are bound to `cpus`
  cpu_set_t cpus;
  int nice;
  std::chrono::microseconds least;  // calls that take less are left to the caller
};

// False, with an entry in the error queue, if the configuration cannot be. Throws std::bad_alloc.
bool read_settings(const OPENSSL_WORKERS_CONFIG* config, Settings& settings);

}  // namespace openssl_event

#endif
