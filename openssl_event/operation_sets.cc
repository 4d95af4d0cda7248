#include "openssl_event/operation_sets.h"

#include <cstdint>

#include "openssl_event/connection.h"

namespace openssl_event {
namespace {

int ex_data_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// The complement is kept, so that NULL, which is there before anything is set, means all.
void* kept(unsigned operations) noexcept { return reinterpret_cast<void*>(static_cast<std::uintptr_t>(~operations)); }
unsigned given(void* kept) noexcept { return ~static_cast<unsigned>(reinterpret_cast<std::uintptr_t>(kept)); }

}  // namespace

unsigned operations_of(const SSL_CTX* context) noexcept { return given(SSL_CTX_get_ex_data(context, ex_data_index())); }

}  // namespace openssl_event

using namespace openssl_event;

int openssl_setContextOperations(SSL_CTX* context, unsigned int operations) {
  return SSL_CTX_set_ex_data(context, ex_data_index(), kept(operations));
}

void openssl_setOperations(openssl_t* tls, unsigned int operations) { tls->set_operations(operations); }
