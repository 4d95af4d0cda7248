// OPENSSL_EVENT_OFFLOAD=all: which contexts of a program have all their operations on workers, and which stay libssl's
// own.
#include <gtest/gtest.h>
#include <openssl/core_dispatch.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

#include "compat/offload_context.h"
#include "compat/statistics.h"
#include "tests/compat/peers.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

std::uint64_t calls() { return compat::statistics().calls; }

// What a test does to the process's default library context ends with its process.
template <typename Body>
void in_a_process(Body body) {
  const pid_t child = fork();
  if (child == 0) _exit(body() ? 0 : 1);
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

bool offloads() { return compat::offload_context(TLS_server_method()) != nullptr; }

class OffloadAll : public BothVersions {};
FOR_BOTH_VERSIONS(OffloadAll);

// Of the server its share, the secret and its signature; of the client its share, the secret and two verifications.
TEST_P(OffloadAll, EveryOperationOfBothSidesIsOnAWorker) {
  Peers peers(GetParam());
  const auto before = calls();
  const auto in_place = compat::statistics().in_place.load();
  EXPECT_TRUE(peers.connect());
  EXPECT_GE(calls(), before + 6);
  EXPECT_EQ(compat::statistics().in_place, in_place);
}

TEST_P(OffloadAll, BlockingProgramWaitsForItsPrivateKeyOnly) {
  Peers peers(GetParam());
  peers.set_blocking(true);
  const auto before = calls();
  std::thread client([&] { EXPECT_EQ(SSL_connect(peers.client.get()), 1); });
  EXPECT_EQ(SSL_accept(peers.server.get()), 1);
  client.join();
  EXPECT_EQ(calls(), before + 1);
}

TEST_P(OffloadAll, PropertyQueryOfAContextIsKept) {
  const Context server(SSL_CTX_new_ex(nullptr, "provider=default", TLS_server_method()));
  ASSERT_TRUE(server);
  use_key(server.get(), KeyType::kEcP256, false);
  const Context client(SSL_CTX_new_ex(nullptr, "provider=default", TLS_client_method()));
  Peers peers(GetParam());
  peers.begin_anew(server.get(), client.get());
  const auto before = calls();
  EXPECT_TRUE(peers.connect());
  EXPECT_EQ(calls(), before + 1);
}

TEST_P(OffloadAll, LibraryContextOfTheProgramIsKept) {
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  {
    const Context client(SSL_CTX_new_ex(library, nullptr, TLS_client_method()));
    const Context server(SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
    use_key(server.get(), KeyType::kEcP256, false);
    Peers peers(GetParam());
    peers.begin_anew(server.get(), client.get());
    const auto before = calls();
    EXPECT_TRUE(peers.connect());
    EXPECT_EQ(calls(), before);
  }
  OSSL_LIB_CTX_free(library);
}

// The first test, since the context is made once.
TEST(OffloadAllContexts, HaveLegacyIfItWasThere) {
  in_a_process([] {
    return OSSL_PROVIDER_load(nullptr, "default") && OSSL_PROVIDER_load(nullptr, "legacy") && offloads() &&
           OSSL_PROVIDER_available(compat::offload_context(TLS_method()), "legacy");
  });
}

TEST(OffloadAllContexts, LeaveNoErrors) {
  ERR_clear_error();
  EXPECT_TRUE(offloads());
  EXPECT_EQ(compat::offload_context(nullptr), nullptr);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(OffloadAllContexts, AreNotOfDatagrams) {
  for (const SSL_METHOD* method : {DTLS_method(), DTLS_server_method(), DTLS_client_method()})
    EXPECT_EQ(compat::offload_context(method), nullptr);
}

TEST(OffloadAllContexts, AreNotOfAThreadWithAnotherDefaultContext) {
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  OSSL_LIB_CTX* before = OSSL_LIB_CTX_set0_default(library);
  EXPECT_FALSE(offloads());
  OSSL_LIB_CTX_set0_default(before);
  EXPECT_TRUE(offloads());
  OSSL_LIB_CTX_free(library);
}

// Whether there is a FIPS provider or not: nothing else is asked instead.
TEST(OffloadAllContexts, AreNotWhereFipsIsDemanded) {
  in_a_process([] { return EVP_default_properties_enable_fips(nullptr, 1) && !offloads(); });
}

// ---- Providers of the program's ----

const OSSL_ALGORITHM* no_algorithms(void*, int, int*) { return nullptr; }

int start_own(const OSSL_CORE_HANDLE* handle, const OSSL_DISPATCH*, const OSSL_DISPATCH** functions, void** context) {
  static const OSSL_DISPATCH table[] = {
      {OSSL_FUNC_PROVIDER_QUERY_OPERATION, reinterpret_cast<void (*)(void)>(no_algorithms)}, {0, nullptr}};
  *functions = table;
  *context = const_cast<OSSL_CORE_HANDLE*>(handle);
  return 1;
}

bool load_own() {
  return OSSL_PROVIDER_add_builtin(nullptr, "own", start_own) && OSSL_PROVIDER_load(nullptr, "default") &&
         OSSL_PROVIDER_load(nullptr, "own");
}

TEST(OffloadAllContexts, AreNotBesideAProviderOfTheProgram) {
  in_a_process([] { return load_own() && !offloads(); });
}

TEST(OffloadAllContexts, AreNotMadeAnyMoreWhenThereIsOneLater) {
  in_a_process([] { return offloads() && load_own() && !offloads(); });
}

// OpenSSL's own have nothing that a second instance would not have, but are to be there.
TEST(OffloadAllContexts, AreNotMadeAnyMoreWhenLegacyComesLater) {
  in_a_process([] {
    return offloads() && OSSL_PROVIDER_load(nullptr, "default") && OSSL_PROVIDER_load(nullptr, "legacy") && !offloads();
  });
}

}  // namespace
}  // namespace openssl_event::testing
