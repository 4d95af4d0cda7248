#include "examples/https_server/trace.h"

#include <chrono>
#include <cstdio>
#include <string>

#include "examples/https_server/threads.h"

namespace https {
namespace {

double seconds_since_start() {
  using Clock = std::chrono::steady_clock;
  static const Clock::time_point start = Clock::now();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// " by tls-worker-1 (thread 4711)" for a call that has been executed.
std::string executed_by(const OPENSSL_EVENT* e) {
  if (e->kind != OPENSSL_ENGINE_CALL_IN_KIND || e->e.thread == 0) return "";
  return " by " + thread_name(e->e.thread) + " (thread " + std::to_string(e->e.thread) + ")";
}

}  // namespace

void print_event(void* connection_number, openssl_t*, int direction, const OPENSSL_EVENT* e) {
  char text[256];
  std::printf("%9.6f  #%lu  %s  %s%s\n", seconds_since_start(), *static_cast<const unsigned long*>(connection_number),
              direction == OPENSSL_TRACE_PUT ? "put" : "get", openssl_describe(e, text, sizeof text), executed_by(e).c_str());
}

}  // namespace https
