// A connection moves to another thread between any two calls, also while a call of its own is out.
#include <thread>

#include "tests/support/pair.h"

namespace openssl_event::testing {
namespace {

template <typename F>
void on_a_new_thread(F f) {
  std::thread(f).join();
}

// Every call on the machines is made by a thread that begins with it and ends after it.
class Migration : public BothVersions {
 protected:
  Migration() {
    use_key(pair.client_context.get(), KeyType::kRsa, true);
    trust(pair.server_context.get(), KeyType::kRsa);
    demand_certificate(pair.server_context.get());
    client = pair.machine_client();
    server = pair.machine_server();
    client->keep_calls = server->keep_calls = true;
  }

  void move_about() {
    for (bool moved = true; moved;) {
      moved = false;
      on_a_new_thread([&] { moved |= client->take_one(); });
      on_a_new_thread([&] { moved |= server->take_one(); });
      on_a_new_thread([&] { moved |= hand_over(*client, *server); });
      on_a_new_thread([&] { moved |= hand_over(*server, *client); });
      on_a_new_thread([&] { moved |= answer(*client) || answer(*server); });
    }
  }
  static bool hand_over(MachineEnd& from, MachineEnd& to) {
    const std::string bytes = from.take_output();
    to.receive(bytes);
    return !bytes.empty();
  }
  // Executed by one thread, put back by another.
  static bool answer(MachineEnd& end) {
    if (end.calls.empty()) return false;
    OPENSSL_EVENT* e = end.calls.front();
    end.calls.clear();
    on_a_new_thread([e] { EXPECT_EQ(e->e.engine->call(e), 1); });
    EXPECT_EQ(openssl_putEvent(openssl_owner(e), e), 1);
    return true;
  }

  Pair pair{GetParam(), KeyType::kRsa, true};
  std::unique_ptr<MachineEnd> client, server;
};

TEST_P(Migration, AtEveryStepOfHandshakeDataAndClose) {
  move_about();
  EXPECT_EQ(client->calls_seen + server->calls_seen, 2);
  on_a_new_thread([&] { client->send(std::string(40000, 'c')); });
  on_a_new_thread([&] { server->send(std::string(40000, 's')); });
  move_about();
  EXPECT_EQ(server->received(), std::string(40000, 'c'));
  EXPECT_EQ(client->received(), std::string(40000, 's'));
  on_a_new_thread([&] { client->close_output(); });
  on_a_new_thread([&] { server->close_output(); });
  move_about();
  EXPECT_TRUE(client->closed_in() && server->closed_in());
  on_a_new_thread([&] { client->free_machine(); });
}

TEST_P(Migration, FreedByAnotherThreadWhileTheCallIsOut) {
  carry(*client, *server);
  ASSERT_EQ(server->calls.size(), 1u);
  on_a_new_thread([&] { server->free_machine(); });
  on_a_new_thread([&] { openssl_returnEvent(server->calls.front()); });
  server->calls.clear();
}

// The worker is inside the call while the connection goes away; then it returns the cancelled event itself.
TEST_P(Migration, FreedWhileAWorkerIsInsideTheCall) {
  carry(*client, *server);
  ASSERT_EQ(server->calls.size(), 1u);
  OPENSSL_EVENT* e = server->calls.front();
  server->calls.clear();
  std::thread worker([e] {
    EXPECT_EQ(e->e.engine->call(e), 1);
    while (!openssl_isCancelled(e)) std::this_thread::yield();
    EXPECT_EQ(openssl_returnEvent(e), 1);
  });
  server->free_machine();
  worker.join();
}

// Many threads, each with connections of its own, whose stacks and calls wander between them.
TEST_P(Migration, ManyThreadsAtOnce) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([this] {
      for (int round = 0; round < 5; ++round) {
        auto my_client = pair.machine_client();
        auto my_server = pair.machine_server();
        my_server->keep_calls = true;
        carry(*my_client, *my_server);
        std::thread([&] {
          my_server->execute_and_return_calls();
          carry(*my_client, *my_server);
        }).join();
        EXPECT_TRUE(my_client->established());
      }
    });
  for (std::thread& thread : threads) thread.join();
}

FOR_BOTH_VERSIONS(Migration);

}  // namespace
}  // namespace openssl_event::testing
