// Fork and exit, with and without calls in flight. Each in a process of its own.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "compat/statistics.h"
#include "tests/compat/held_worker.h"
#include "tests/compat/peers.h"

// Processes that exit in the middle of everything free nothing.
extern "C" int __lsan_is_turned_off() { return 1; }

namespace openssl_event::testing {
namespace {

// What `body` makes of it, in a child. It may fork itself.
int in_child(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

TEST(Process, ChildForkedLaterHasAPoolOfItsOwn) {
  Peers before;
  ASSERT_TRUE(before.connect());
  EXPECT_EQ(in_child([] {
              Peers peers;
              const bool connected = peers.connect();
              const compat::Statistics& s = compat::statistics();
              return connected && s.calls == 1 && s.offloaded == 1 ? 0 : 1;
            }),
            0);
  Peers after;
  EXPECT_TRUE(after.connect());
}

TEST(Process, ChildExecutesACallThatIsInFlight) {
  HeldWorker worker;
  Peers peers, parents;
  ASSERT_EQ(peers.accept_until_it_signs(), -1);
  ASSERT_EQ(parents.accept_until_it_signs(), -1);
  EXPECT_EQ(in_child([&] {
              const bool connected = peers.connect();
              return connected && compat::statistics().in_place == 1 ? 0 : 1;
            }),
            0);
  worker.release();
  EXPECT_TRUE(parents.connect());
}

TEST(Process, ChildFreesAndClearsWhatIsInFlight) {
  HeldWorker worker;
  Peers peers, others;
  ASSERT_EQ(peers.accept_until_it_signs(), -1);
  ASSERT_EQ(others.accept_until_it_signs(), -1);
  EXPECT_EQ(in_child([&] {
              peers.server.reset();
              SSL_clear(others.server.get());
              Peers fresh;
              return fresh.connect() ? 0 : 1;
            }),
            0);
  worker.release();
  EXPECT_TRUE(peers.connect());
}

// Its workers hold locks of the key's nearly all the time, but not when it forks.
TEST(Process, ChildrenOfABusyProcess) {
  std::vector<std::unique_ptr<Peers>> many;
  for (int i = 0; i < 40; ++i) {
    many.push_back(std::make_unique<Peers>(TLS1_3_VERSION, KeyType::kRsa));
    many.back()->accept_until_it_signs();
  }
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(in_child([&] {
                Peers peers(TLS1_3_VERSION, KeyType::kRsa);
                return peers.connect() && many.back()->connect() ? 0 : 1;
              }),
              0);
    many.pop_back();
  }
  for (auto& each : many) EXPECT_TRUE(each->connect());
}

// exit(), which runs OPENSSL_cleanup and all destructors.
TEST(Process, ExitWithCallsInFlight) {
  EXPECT_EQ(in_child([] {
              std::vector<std::unique_ptr<Peers>> many;
              for (int i = 0; i < 30; ++i) {
                many.push_back(std::make_unique<Peers>(TLS1_3_VERSION, KeyType::kRsa));
                many.back()->accept_until_it_signs();
              }
              for (auto& each : many) each.release();  // the SSLs are never freed
              std::exit(0);
              return 1;
            }),
            0);
}

TEST(Process, ExitWhileAThreadWaits) {
  EXPECT_EQ(in_child([] {
              auto* worker = new HeldWorker;
              auto* peers = new Peers;
              SSL_connect(peers->client.get());
              peers->set_blocking(true);
              const auto before = compat::statistics().waits.load();
              std::thread([=] { SSL_accept(peers->server.get()); }).detach();
              while (compat::statistics().waits == before) std::this_thread::yield();
              std::thread([=] { worker->release(); }).detach();
              std::exit(0);
              return 1;
            }),
            0);
}

TEST(Process, UnloadingTheLayerKeepsIt) {
  const char* path = std::getenv("LAYER");
  ASSERT_NE(path, nullptr);
  EXPECT_EQ(in_child([=] {
              void* layer = dlopen(path, RTLD_NOW | RTLD_LOCAL);
              if (!layer || !dlsym(layer, "SSL_accept")) return 1;
              dlclose(layer);
              return dlopen(path, RTLD_NOW | RTLD_NOLOAD) ? 0 : 2;
            }),
            0);
}

}  // namespace
}  // namespace openssl_event::testing
