// OpenSSL's own allocations fail, one at a time, each in a forked child: a machine ends as plain libssl does, which
// fails or succeeds; it does not crash or hang.
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>

#include "tests/openssl_event/interposed.h"
#include "tests/support/failing_malloc.h"

namespace openssl_event::testing {
namespace {

enum Outcome { kWorked = 10, kFailed, kStuck };

std::string name_of(int status) {
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
    case kWorked:
      return "worked";
    case kFailed:
      return "failed";
    case kStuck:
      return "stuck";
    default:
      return "exit " + std::to_string(WEXITSTATUS(status));
  }
}

class OpensslMalloc : public BothVersions {
 protected:
  // Handshake, data and close of a server whose allocations are counted; the client is plain and has all the memory.
  template <typename Server>
  Outcome live() {
    const auto made = make_client();
    PlainEnd& client = *made;
    Ssl ssl(SSL_new(pair.server_context.get()));
    if (!ssl) return kFailed;
    SSL_set_accept_state(ssl.get());
    const std::unique_ptr<End> server = make<Server>(std::move(ssl));
    if (!server) return kFailed;
    server->send("answer");
    server->close_output();
    for (int round = 0; round < 5; ++round) exchange(client, *server);
    if (server->failed() || client.failed()) return kFailed;
    return client.received() == "answer" && server->received() == "question" ? kWorked : kStuck;
  }

  // For each n-th allocation: what became of the child. `step`: only every so many.
  template <typename Server>
  std::map<std::string, int> outcomes(long step) {
    const long all = count_allocations<Server>();
    EXPECT_GT(all, 100);
    std::map<std::string, int> seen;
    for (long n = 1; n <= all; n += step)
      seen[in_a_child([&] {
        fail_openssl_allocation(0);
        live<Server>();
        fail_openssl_allocation(n);
        return live<Server>();
      })]++;
    return seen;
  }

  // Of the second life: the first one makes what the process keeps. In a child, so that those that follow begin alike.
  template <typename Server>
  long count_allocations() {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(in_a_child([&] {
                live<Server>();
                fail_openssl_allocation(0);
                const Outcome outcome = live<Server>();
                const long count = openssl_allocations();
                return write(ends[1], &count, sizeof count) == sizeof count ? outcome : kStuck;
              }),
              "worked");
    long count = 0;
    EXPECT_EQ(read(ends[0], &count, sizeof count), static_cast<ssize_t>(sizeof count));
    close(ends[0]);
    close(ends[1]);
    return count;
  }

  template <typename F>
  static std::string in_a_child(F f) {
    const pid_t child = fork();
    if (child == 0) {
      alarm(10);
      syscall(SYS_exit_group, f());  // ThreadSanitizer sleeps a second in _exit
    }
    int status = 0;
    waitpid(child, &status, 0);
    return name_of(status);
  }

  void expect_as_plain(const std::map<std::string, int>& machine, const std::map<std::string, int>& plain) {
    for (const auto& [outcome, times] : machine)
      EXPECT_TRUE(outcome == "worked" || outcome == "failed" || plain.contains(outcome))
          << outcome << ' ' << times << " times";
    EXPECT_TRUE(machine.contains("failed"));
  }

  Library library;
  Pair pair{GetParam(), KeyType::kEcP256, true};

 private:
  template <typename Server>
  static std::unique_ptr<End> make(Ssl ssl);

  std::unique_ptr<PlainEnd> make_client() {
    const Uncounted clients;
    auto client = pair.plain_client();
    client->send("question");
    client->work();
    return client;
  }

  static void exchange(PlainEnd& client, End& server) {
    std::string bytes;
    {
      const Uncounted clients;
      bytes = client.take_output();
      server.receive(bytes);
    }
    server.work();
    const Uncounted clients;
    client.receive(server.take_output());
    client.work();
  }
};

template <>
std::unique_ptr<End> OpensslMalloc::make<PlainEnd>(Ssl ssl) {
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  if (in && out) return std::make_unique<PlainEnd>(std::move(ssl), in, out);
  BIO_free(in);
  BIO_free(out);
  return nullptr;
}
template <>
std::unique_ptr<End> OpensslMalloc::make<MachineEnd>(Ssl ssl) {
  openssl_t* tls = openssl_new(ssl.get());
  return tls ? std::make_unique<MachineEnd>(tls) : nullptr;
}

TEST_P(OpensslMalloc, MachineFailsOrSucceedsAsPlainDoes) {
  const auto plain = outcomes<PlainEnd>(7);
  expect_as_plain(outcomes<MachineEnd>(7), plain);
}

TEST_P(OpensslMalloc, MachineOfWhichEverythingIsACallFailsOrSucceedsAsPlainDoes) {
  const auto plain = outcomes<PlainEnd>(7);
  library = make_offload_library();
  pair = Pair(GetParam(), KeyType::kEcP256, false, library.get());
  expect_as_plain(outcomes<MachineEnd>(7), plain);
}

FOR_BOTH_VERSIONS(OpensslMalloc);

}  // namespace
}  // namespace openssl_event::testing

int main(int argc, char** argv) {
  if (!openssl_event::testing::replace_openssl_malloc()) return 1;
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
