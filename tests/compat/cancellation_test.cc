// Threads that are cancelled by pthread_cancel.
#include <gtest/gtest.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>

#include <string>
#include <thread>

#include "compat/statistics.h"
#include "tests/compat/held_worker.h"
#include "tests/compat/peers.h"
#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

std::uint64_t waits() { return compat::statistics().waits; }

class Cancellation : public BothVersions {};
FOR_BOTH_VERSIONS(Cancellation);

// A thread that is cancelled in a blocking call ends, as with plain libssl.
TEST_P(Cancellation, ThreadsThatBlockCanBeCancelled) {
  Peers peers(GetParam());
  for (const bool established : {false, true}) {
    if (established) {
      peers.set_blocking(false);
      peers.server = make_ssl(peers.server_context.get(), Role::kServer);
      SSL_set_fd(peers.server.get(), peers.server_fd);
      ASSERT_TRUE(peers.connect());
    }
    peers.set_blocking(true);
    pthread_t thread;
    const auto block = [](void* ssl) -> void* {
      char bytes[100];
      while (SSL_read(static_cast<SSL*>(ssl), bytes, sizeof bytes) > 0) {
      }
      return nullptr;
    };
    ASSERT_EQ(pthread_create(&thread, nullptr, block, peers.server.get()), 0);
    pthread_cancel(thread);
    void* result = nullptr;
    pthread_join(thread, &result);
    EXPECT_EQ(result, PTHREAD_CANCELED);
  }
}

TEST_P(Cancellation, ThreadThatWaitsForAWorkerIsCancelledAfterwards) {
  HeldWorker worker;
  Peers peers(GetParam());
  ASSERT_LT(SSL_connect(peers.client.get()), 0);
  peers.set_blocking(true);
  const auto before = waits();
  pthread_t thread;
  const auto block = [](void* ssl) -> void* {
    SSL_accept(static_cast<SSL*>(ssl));
    char byte;
    SSL_read(static_cast<SSL*>(ssl), &byte, 1);
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, nullptr, block, peers.server.get()), 0);
  while (waits() == before) std::this_thread::yield();
  pthread_cancel(thread);
  worker.release();
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
}

// libssl does not know where it was, and refuses to go on. So does the layer: nothing of what follows leaves.
TEST_P(Cancellation, AWriteThatWasCancelledIsTheLast) {
  Peers peers(GetParam());
  for (SSL* ssl : {peers.client.get(), peers.server.get()}) SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  ASSERT_TRUE(peers.connect());
  peers.set_blocking(true);
  static const std::string text(8 << 20, 't');
  const auto write = [](void* ssl) -> void* {
    return SSL_write(static_cast<SSL*>(ssl), text.data(), static_cast<int>(text.size())) > 0 ? ssl : nullptr;
  };
  pthread_t thread;
  ASSERT_EQ(pthread_create(&thread, nullptr, write, peers.server.get()), 0);
  pollfd socket = {peers.server_fd, POLLOUT, 0};
  while (poll(&socket, 1, 20) > 0) std::this_thread::yield();
  pthread_cancel(thread);
  void* result = nullptr;
  pthread_join(thread, &result);
  EXPECT_EQ(result, PTHREAD_CANCELED);
  const int before = peers.on_the_wire();
  EXPECT_EQ(write(peers.server.get()), nullptr);
  EXPECT_EQ(SSL_get_error(peers.server.get(), -1), SSL_ERROR_SSL);
  EXPECT_EQ(peers.on_the_wire(), before);
  ERR_clear_error();
}

}  // namespace
}  // namespace openssl_event::testing
