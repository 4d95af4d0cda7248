#include "engine_workers/settings.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>

namespace openssl_event {
namespace {

constexpr std::size_t kDefaultQueueLength = 1024;
constexpr unsigned kNicest = 19;
constexpr char kDefaultName[] = "tls-worker";

bool refuse(const char* why) noexcept {
  ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "OPENSSL_WORKERS_CONFIG: %s", why);
  return false;
}

// A program may be older than this library, and lack fields, or newer, and have some that must then be 0.
bool read_fields(const OPENSSL_WORKERS_CONFIG& config, OPENSSL_WORKERS_CONFIG& fields) noexcept {
  if (config.size < sizeof config.size) return refuse("size is not set");
  std::memcpy(&fields, &config, std::min(config.size, sizeof fields));
  const char* bytes = reinterpret_cast<const char*>(&config);
  for (std::size_t i = sizeof fields; i < config.size; i++)
    if (bytes[i] != 0) return refuse("has a field that this version of the library does not know");
  return true;
}

bool read_cpus(const int* cpus, std::size_t count, Settings& settings) noexcept {
  CPU_ZERO(&settings.cpus);
  settings.has_cpus = count > 0;
  if (settings.has_cpus && !cpus) return refuse("cpu_count without cpus");
  for (std::size_t i = 0; i < count; i++) {
    if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE) return refuse("no processor has such a number");
    CPU_SET(cpus[i], &settings.cpus);
  }
  return true;
}

unsigned usable_processors(const Settings& settings) noexcept {
  cpu_set_t usable;
  if (settings.has_cpus)
    usable = settings.cpus;
  else if (sched_getaffinity(0, sizeof usable, &usable) != 0)
    return 1;
  return static_cast<unsigned>(CPU_COUNT(&usable));
}

}  // namespace

bool read_settings(const OPENSSL_WORKERS_CONFIG* config, Settings& settings) {
  OPENSSL_WORKERS_CONFIG fields = {};
  if (config && !read_fields(*config, fields)) return false;
  if (fields.queue_length > OPENSSL_WORKERS_MAX_QUEUE) return refuse("queue_length is above OPENSSL_WORKERS_MAX_QUEUE");
  if (fields.nice > kNicest) return refuse("nice is above 19");
  if (!read_cpus(fields.cpus, fields.cpu_count, settings)) return false;
  settings.threads = fields.threads ? fields.threads : usable_processors(settings);
  settings.queue_length = fields.queue_length ? fields.queue_length : kDefaultQueueLength;
  settings.nice = static_cast<int>(fields.nice);
  settings.least = std::chrono::microseconds(fields.least_us);
  settings.name = fields.name ? fields.name : kDefaultName;
  return true;
}

}  // namespace openssl_event
