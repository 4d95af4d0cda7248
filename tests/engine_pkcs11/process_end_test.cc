// Processes that end while a module is at work: from inside of it, as SoftHSM does when it has no memory, or meanwhile.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <future>
#include <thread>

#include "tests/engine_pkcs11/hooked_module.h"
#include "tests/engine_pkcs11/pkcs11_fixture.h"

namespace {

bool is_child = false;

}  // namespace

// Asked by the leak sanitizer: a process that ends in the middle of a handshake leaves its stack full of memory.
extern "C" int __lsan_is_turned_off() { return is_child; }

namespace openssl_event::testing {
namespace {

constexpr int kEnded = 7;

class ProcessEnd : public Pkcs11 {
 protected:
  // What a child makes of that. It has a minute.
  template <typename Body>
  static int status_of(Body body) {
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      is_child = true;
      alarm(60);
      body();
      _exit(0);
    }
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

  static Key hooked_key(const HookedModule& module) {
    return key_by(token->uri("keyEcP256", kPin, module.path()), KeyType::kEcP256);
  }
  // Returns when the thread is inside C_Sign, where it stays for as long as `stay` takes.
  template <typename Stay>
  static void sign_on_another_thread(HookedModule& module, EVP_PKEY* key, Stay stay) {
    std::promise<void> signing;
    module.before = [&, stay](std::string_view function) {
      if (function != "C_Sign") return;
      signing.set_value();
      stay();
    };
    std::thread([key] { handshake(key); }).detach();
    signing.get_future().wait();
  }
};

TEST_F(ProcessEnd, FromInsideAModuleIsNoDeadlock) {
  for (const char* last : {"C_GetFunctionList", "C_Initialize", "C_GetSlotList", "C_GetTokenInfo", "C_OpenSession",
                           "C_Login", "C_FindObjects", "C_SignInit", "C_Sign", "C_CloseSession", "C_Finalize"})
    EXPECT_EQ(kEnded, status_of([last] {
                HookedModule module;
                module.before = [last](std::string_view function) {
                  if (function == last) std::exit(kEnded);
                };
                handshake(hooked_key(module).get());
              }))
        << last;
}

TEST_F(ProcessEnd, WaitsForACallThatEnds) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);
  EXPECT_EQ(kEnded, status_of([&] {
              HookedModule module;
              const Key key = hooked_key(module);
              module.after = [&](std::string_view function) {
                const char letter = function == "C_Sign" ? 's' : 'f';
                if (function == "C_Sign" || function == "C_Finalize") (void)!write(pipe_ends[1], &letter, 1);
              };
              sign_on_another_thread(module, key.get(),
                                     [] { std::this_thread::sleep_for(std::chrono::milliseconds(300)); });
              std::exit(kEnded);
            }));
  close(pipe_ends[1]);
  char order[3] = "";
  EXPECT_EQ(read(pipe_ends[0], order, sizeof order), 2);
  EXPECT_STREQ(order, "sf");
  close(pipe_ends[0]);
}

TEST_F(ProcessEnd, DoesNotWaitForeverForACall) {
  EXPECT_EQ(kEnded, status_of([] {
              HookedModule module;
              const Key key = hooked_key(module);
              sign_on_another_thread(module, key.get(), [] { pause(); });
              std::exit(kEnded);
            }));
}

// A child of fork has the locks as they were: here one that is held by a thread which it does not have.
TEST_F(ProcessEnd, OfAChildMayFreeTheKeyThatAThreadOfItsParentUses) {
  EXPECT_EQ(kEnded, status_of([] {
              HookedModule module;
              Key key = hooked_key(module);
              sign_on_another_thread(module, key.get(), [] { pause(); });
              std::exit(status_of([&] {
                key.reset();
                std::exit(kEnded);
              }));
            }));
}

// Nobody frees it: its module has to be finalised before OpenSSL is cleaned up, or this process crashes when it ends.
TEST_F(ProcessEnd, MayComeWithKeysThatNobodyHasFreed) {
  static EVP_PKEY* left = nullptr;
  left = key_by(token->uri("keyEcP256"), KeyType::kEcP256).release();
  EXPECT_EQ(handshake(left), "");
}

TEST_F(ProcessEnd, IsNotThatOfAChildThatHasUsedTheKey) {
  const Key key = key_by(token->uri("keyEcP256"), KeyType::kEcP256);
  EXPECT_EQ(handshake(key.get()), "");
  EXPECT_EQ(kEnded, status_of([&] { _exit(handshake(key.get()).empty() ? kEnded : 1); }));
  EXPECT_EQ(handshake(key.get()), "");
}

}  // namespace
}  // namespace openssl_event::testing
