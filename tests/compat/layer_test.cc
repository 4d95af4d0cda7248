// What the layer does beside suspended handshakes: who waits, which keys are offloaded, SSL_MODE_ASYNC, threads.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>
#include <vector>

#include "compat/statistics.h"
#include "tests/compat/held_worker.h"
#include "tests/compat/peers.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

std::uint64_t calls() { return compat::statistics().calls; }
std::uint64_t answers() { return compat::statistics().answers; }

class Layer : public BothVersions {};
FOR_BOTH_VERSIONS(Layer);

TEST_P(Layer, BlockingProgramWaitsForAWorker) {
  Peers peers(GetParam());
  const auto calls_before = calls(), answers_before = answers();
  peers.set_blocking(true);
  std::thread client([&] { EXPECT_EQ(SSL_connect(peers.client.get()), 1); });
  EXPECT_EQ(SSL_accept(peers.server.get()), 1);
  client.join();
  EXPECT_EQ(calls(), calls_before + 1);
  EXPECT_EQ(answers(), answers_before);
}

TEST_P(Layer, NonblockingUnixSocketWaits) {
  int fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
  const Context server_context = make_server_context(GetParam()), client_context = make_client_context(GetParam());
  const Ssl server = make_ssl(server_context.get(), Role::kServer), client = make_ssl(client_context.get(), Role::kClient);
  SSL_set_fd(server.get(), fds[0]);
  SSL_set_fd(client.get(), fds[1]);
  const auto before = answers();
  SSL_connect(client.get());
  SSL_accept(server.get());
  SSL_connect(client.get());
  EXPECT_EQ(SSL_accept(server.get()), 1);
  EXPECT_EQ(answers(), before);
  for (const int fd : fds) close(fd);
}

// Application data may come in the middle of one.
TEST(LayerTls12, RenegotiationDoesNotSuspend) {
  Peers peers(TLS1_2_VERSION);
  SSL_set_options(peers.server.get(), SSL_OP_ALLOW_CLIENT_RENEGOTIATION);
  ASSERT_TRUE(peers.connect());
  const auto calls_before = calls(), answers_before = answers();
  ASSERT_EQ(SSL_renegotiate(peers.client.get()), 1);
  SSL_do_handshake(peers.client.get());
  char byte;
  for (int i = 0; i < 100 && calls() == calls_before; ++i) SSL_read(peers.server.get(), &byte, 1);
  ASSERT_TRUE(peers.finish());
  EXPECT_TRUE(peers.talk());
  EXPECT_EQ(calls(), calls_before + 1);
  EXPECT_EQ(answers(), answers_before);
}

TEST_P(Layer, AsyncProgramGetsADescriptor) {
  HeldWorker worker;
  Peers peers(GetParam());
  SSL* ssl = peers.server.get();
  SSL_set_mode(ssl, SSL_MODE_ASYNC);
  EXPECT_TRUE(SSL_get_mode(ssl) & SSL_MODE_ASYNC);
  std::size_t added = 0, deleted = 0, count = 0;
  EXPECT_EQ(SSL_get_all_async_fds(ssl, nullptr, &count), 0);
  EXPECT_EQ(peers.accept_until_it_signs(), -1);
  EXPECT_EQ(SSL_get_error(ssl, -1), SSL_ERROR_WANT_ASYNC);
  EXPECT_EQ(SSL_want(ssl), SSL_ASYNC_PAUSED);
  EXPECT_EQ(SSL_waiting_for_async(ssl), 1);
  int fd = -1, changed = -1;
  ASSERT_EQ(SSL_get_changed_async_fds(ssl, nullptr, &added, nullptr, &deleted), 1);
  ASSERT_EQ(added, 1u);
  EXPECT_EQ(deleted, 0u);
  SSL_get_changed_async_fds(ssl, &changed, &added, nullptr, &deleted);
  ASSERT_EQ(SSL_get_all_async_fds(ssl, &fd, &count), 1);
  ASSERT_EQ(count, 1u);
  EXPECT_EQ(fd, changed);
  pollfd waits = {fd, POLLIN, 0};
  EXPECT_EQ(poll(&waits, 1, 0), 0);
  EXPECT_EQ(SSL_accept(ssl), -1);
  EXPECT_EQ(SSL_get_error(ssl, -1), SSL_ERROR_WANT_ASYNC);
  SSL_get_changed_async_fds(ssl, nullptr, &added, nullptr, &deleted);
  EXPECT_EQ(added, 0u);
  worker.release();
  ASSERT_EQ(poll(&waits, 1, 20000), 1);
  EXPECT_TRUE(peers.connect());
  EXPECT_EQ(poll(&waits, 1, 0), 0);
  EXPECT_EQ(SSL_waiting_for_async(ssl), 0);
}

TEST_P(Layer, AsyncModeOfAContextIsInherited) {
  Peers peers(GetParam());
  SSL_CTX_set_mode(peers.server_context.get(), SSL_MODE_ASYNC);
  const Ssl ssl(SSL_new(peers.server_context.get()));
  EXPECT_TRUE(SSL_get_mode(ssl.get()) & SSL_MODE_ASYNC);
  EXPECT_FALSE(SSL_get_mode(peers.server.get()) & SSL_MODE_ASYNC);
}

// ---- Keys ----

int signatures_of_the_method = 0;
int sign_by_method(int length, const unsigned char* from, unsigned char* to, RSA* rsa, int padding) {
  ++signatures_of_the_method;
  return RSA_meth_get_priv_enc(RSA_PKCS1_OpenSSL())(length, from, to, rsa, padding);
}

TEST_P(Layer, KeyWithAMethodOfItsOwnIsLeftAlone) {
  RSA* rsa = RSAPrivateKey_dup(EVP_PKEY_get0_RSA(shared_key(KeyType::kRsa)));
  RSA_METHOD* method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
  RSA_meth_set_priv_enc(method, sign_by_method);
  ASSERT_TRUE(RSA_set_method(rsa, method));
  EVP_PKEY* key = EVP_PKEY_new();
  EVP_PKEY_assign_RSA(key, rsa);
  {
    Peers peers(GetParam(), KeyType::kRsa);
    ASSERT_EQ(SSL_use_PrivateKey(peers.server.get(), key), 1);
    const auto before = calls();
    signatures_of_the_method = 0;
    EXPECT_TRUE(peers.connect());
    EXPECT_GT(signatures_of_the_method, 0);
    EXPECT_EQ(calls(), before);
    EXPECT_EQ(SSL_get_privatekey(peers.server.get()), key);
  }
  EVP_PKEY_free(key);
  RSA_meth_free(method);
}

TEST_P(Layer, KeyMadeOfAnRsaIsOffloaded) {
  RSA* rsa = RSAPrivateKey_dup(EVP_PKEY_get0_RSA(shared_key(KeyType::kRsa)));
  Peers peers(GetParam(), KeyType::kRsa);
  ASSERT_EQ(SSL_use_RSAPrivateKey(peers.server.get(), rsa), 1);
  const auto before = calls();
  EXPECT_TRUE(peers.connect());
  EXPECT_EQ(calls(), before + 1);
  RSA_free(rsa);
}

// Its program could not free it any more, if threads that it does not know had used it.
TEST_P(Layer, KeyOfAnotherLibraryContextIsLeftAlone) {
  OSSL_LIB_CTX* library = OSSL_LIB_CTX_new();
  {
    const Key key = make_key(KeyType::kEcP256, library);
    const Certificate certificate = make_certificate(key.get());
    const Context server(SSL_CTX_new_ex(library, "provider=default", TLS_server_method()));
    ASSERT_TRUE(server && SSL_CTX_use_certificate(server.get(), certificate.get()));
    ASSERT_EQ(SSL_CTX_use_PrivateKey(server.get(), key.get()), 1);
    EXPECT_EQ(SSL_CTX_get0_privatekey(server.get()), key.get());
    EXPECT_EQ(SSL_CTX_check_private_key(server.get()), 1);
    Peers peers(GetParam());
    SSL_set_verify(peers.client.get(), SSL_VERIFY_NONE, nullptr);
    peers.server = make_ssl(server.get(), Role::kServer);
    SSL_set_fd(peers.server.get(), peers.server_fd);
    const auto before = calls();
    EXPECT_TRUE(peers.connect());
    EXPECT_EQ(calls(), before);
  }
  OSSL_LIB_CTX_free(library);
}

TEST_P(Layer, PropertyQueryOfAContextIsKept) {
  const Context server(SSL_CTX_new_ex(nullptr, "provider=default", TLS_server_method()));
  ASSERT_TRUE(server);
  use_key(server.get(), KeyType::kEcP256, false);
  Peers peers(GetParam());
  peers.server = make_ssl(server.get(), Role::kServer);
  SSL_set_fd(peers.server.get(), peers.server_fd);
  const auto before = calls();
  EXPECT_TRUE(peers.connect());
  EXPECT_EQ(calls(), before + 1);
}

TEST_P(Layer, DtlsIsLeftAlone) {
  const Context dtls(SSL_CTX_new(DTLS_server_method()));
  use_key(dtls.get(), KeyType::kRsa, false);
  const auto before = calls();
  EXPECT_EQ(SSL_CTX_get0_privatekey(dtls.get()), shared_key(KeyType::kRsa));
  const Ssl ssl(SSL_new(dtls.get()));
  SSL_set_accept_state(ssl.get());
  EXPECT_EQ(SSL_accept(ssl.get()), -1);
  ERR_clear_error();
  EXPECT_EQ(calls(), before);
}

// ---- Threads ----

TEST_P(Layer, ManyThreads) {
  const Context server = make_server_context(GetParam(), KeyType::kEcP256);
  std::atomic<int> connected{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 6; ++i)
    threads.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        Peers peers(GetParam());
        peers.server = make_ssl(server.get(), Role::kServer);
        SSL_set_fd(peers.server.get(), peers.server_fd);
        if (round % 3 == 2)
          peers.accept_until_it_signs();
        else
          connected += peers.connect();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(connected, 6 * 7);
}

}  // namespace
}  // namespace openssl_event::testing
