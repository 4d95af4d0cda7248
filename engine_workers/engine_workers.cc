#include "engine_workers/engine_workers.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>

#include "engine_workers/workers.h"

using namespace openssl_event;

struct openssl_workers_st : Workers {
  using Workers::Workers;
};

namespace {

// Waiting for oneself: convention 4 of openssl_event.h.
bool waits_for_itself(const Workers& workers, const char* function) noexcept {
  if (!workers.is_this_thread_a_worker()) return false;
#ifdef NDEBUG
  ERR_raise_data(ERR_LIB_USER, ERR_R_SHOULD_NOT_HAVE_BEEN_CALLED, "%s: called on a worker of the pool", function);
  return true;
#else
  std::fprintf(stderr, "engine_workers: %s: called on a worker of the pool\n", function);
  std::abort();
#endif
}

bool is_executable(const OPENSSL_EVENT* call) noexcept {
  return call && call->kind == OPENSSL_ENGINE_CALL_OUT_KIND && call->e.engine && call->e.engine->call;
}

}  // namespace

openssl_workers_t* openssl_newWorkers(const OPENSSL_WORKERS_CONFIG* config) try {
  Settings settings;
  if (!read_settings(config, settings)) return nullptr;
  auto workers = std::make_unique<openssl_workers_st>(std::move(settings));
  return workers->start() ? workers.release() : nullptr;
} catch (const std::exception&) {
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  return nullptr;
}

void openssl_freeWorkers(openssl_workers_t* workers) {
  if (workers && !waits_for_itself(*workers, "openssl_freeWorkers")) delete workers;
}

int openssl_drainWorkers(openssl_workers_t* workers) {
  if (waits_for_itself(*workers, "openssl_drainWorkers")) return 0;
  workers->drain();
  return 1;
}

int openssl_submitCall(openssl_workers_t* workers, OPENSSL_EVENT* call, openssl_completions_t* completions) {
  if (!is_executable(call) || !completions) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "openssl_submitCall: no ENGINE_CALL_OUT to execute");
    return 0;
  }
  if (workers->leaves(call)) return 0;
  if (workers->submit(call, completions)) return 1;
  ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "openssl_submitCall: the queue is full, or the pool being freed");
  return 0;
}

int openssl_workersStatistics(const openssl_workers_t* workers, OPENSSL_WORKERS_STATISTICS* out) {
  if (out->size < sizeof out->size) {
    ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT, "OPENSSL_WORKERS_STATISTICS: size is not set");
    return 0;
  }
  OPENSSL_WORKERS_STATISTICS sum = {};
  workers->add_to(sum);
  sum.size = std::min(out->size, sizeof sum);
  std::memcpy(out, &sum, sum.size);
  return 1;
}
