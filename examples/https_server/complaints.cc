#include "examples/https_server/complaints.h"

#include <cstdio>

namespace https {
namespace {

constexpr std::chrono::seconds kPause{1};

// The others are the client's doing, or its network's.
bool is_ours(int reason) {
  return reason == OPENSSL_REASON_CALL_FAILED || reason == OPENSSL_REASON_LOOKUP_FAILED ||
         reason == OPENSSL_REASON_STACK_LIMIT || reason == OPENSSL_REASON_NO_MEMORY;
}

}  // namespace

void Complaints::add(const char* program, const OPENSSL_STATUS& status) {
  if (!is_ours(status.reason)) return;
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kPause;
  std::fprintf(stderr, "%s: a connection failed: %s\n", program, status.text);
}

}  // namespace https
