#include "engine_workers/run_times.h"

#include <openssl/evp.h>
#include <openssl/provider.h>

#include <algorithm>
#include <string_view>

namespace openssl_event {
namespace {

constexpr unsigned kEnough = 8;        // calls that must have been executed before any is judged
constexpr unsigned kLookAgain = 64;    // of so many that are below, one is executed by a worker

// What a place knows, as one word, since several threads read and write it: the kind, how many calls there have been (up to
// kEnough), and what they take, in nanoseconds.
struct Knowledge {
  CallKind kind;
  unsigned calls;
  std::uint32_t nanoseconds;
};
constexpr int kNanosecondBits = 28;    // a quarter of a second
constexpr std::uint32_t kLongest = (1u << kNanosecondBits) - 1;

Knowledge unpack(std::uint64_t word) noexcept {
  return {static_cast<CallKind>(word >> 32), static_cast<unsigned>(word >> kNanosecondBits) & 0xf,
          static_cast<std::uint32_t>(word) & kLongest};
}
std::uint64_t pack(const Knowledge& known) noexcept {
  return std::uint64_t{known.kind} << 32 | std::uint64_t{known.calls} << kNanosecondBits | known.nanoseconds;
}

// A worker may be interrupted while it executes a call, so a long one says little, and a short one much.
std::uint32_t estimate(std::uint32_t before, std::uint32_t run) noexcept {
  return run < before ? before - (before - run + 3) / 4 : std::min(run, before + before / 16 + 1);
}

EVP_PKEY* key_of(const OPENSSL_ENGINE_CALL& call) noexcept {
  switch (call.optype) {
    case OPENSSL_OPERATION_SIGN: return call.u.s.key;
    case OPENSSL_OPERATION_VERIFY: return nullptr;  // the peer's choice, as the exponent of an RSA key is
    case OPENSSL_OPERATION_DECRYPT: return call.u.d.key;
    case OPENSSL_OPERATION_DERIVE: return call.u.x.key;
    case OPENSSL_OPERATION_ENCAPSULATE: return call.u.n.key;
    case OPENSSL_OPERATION_DECAPSULATE: return call.u.p.key;
  }
  return nullptr;
}

bool is_openssls_own(const EVP_PKEY* key) noexcept {
  const OSSL_PROVIDER* provider = EVP_PKEY_get0_provider(key);
  if (!provider) return false;
  const std::string_view name = OSSL_PROVIDER_get0_name(provider);
  return name == "default" || name == "fips";
}

// FNV-1a
CallKind mix(CallKind hash, std::uint32_t value) noexcept {
  for (int i = 0; i < 4; ++i, value >>= 8) hash = (hash ^ (value & 0xff)) * 16777619u;
  return hash;
}

}  // namespace

CallKind kind_of_call(const OPENSSL_ENGINE_CALL& call) noexcept {
  if (call.engine != openssl_defaultEngine()) return 0;
  const EVP_PKEY* key = key_of(call);
  if (!key || !is_openssls_own(key)) return 0;
  CallKind kind = mix(2166136261u, static_cast<std::uint32_t>(call.optype));
  for (const char c : std::string_view(EVP_PKEY_get0_type_name(key))) kind = mix(kind, static_cast<unsigned char>(c));
  char group[80] = "";  // curves of one size differ much
  std::size_t len = 0;
  if (EVP_PKEY_is_a(key, "EC")) EVP_PKEY_get_group_name(key, group, sizeof group, &len);
  for (const char c : std::string_view(group)) kind = mix(kind, static_cast<unsigned char>(c));
  return mix(kind, static_cast<std::uint32_t>(EVP_PKEY_get_bits(key)));
}

void RunTimes::learn(CallKind kind, std::chrono::nanoseconds run) noexcept {
  if (kind == 0) return;
  std::atomic<std::uint64_t>& what = place_of(kind).what;
  const auto nanoseconds = static_cast<std::uint32_t>(std::clamp<std::int64_t>(run.count(), 1, kLongest));
  Knowledge known = unpack(what.load(std::memory_order_relaxed));
  if (known.kind != kind) known = {kind, 0, nanoseconds};
  known.calls = std::min(known.calls + 1, kEnough);
  known.nanoseconds = std::min(estimate(known.nanoseconds, nanoseconds), kLongest);
  what.store(pack(known), std::memory_order_relaxed);
}

bool RunTimes::are_below(CallKind kind, std::chrono::nanoseconds limit) noexcept {
  if (kind == 0) return false;
  Known& place = place_of(kind);
  const Knowledge known = unpack(place.what.load(std::memory_order_relaxed));
  if (known.kind != kind || known.calls < kEnough || known.nanoseconds >= limit.count()) return false;
  return place.asked.fetch_add(1, std::memory_order_relaxed) % kLookAgain != kLookAgain - 1;
}

}  // namespace openssl_event
