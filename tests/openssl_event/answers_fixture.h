// One end asks some questions, which a test answers.
#ifndef TESTS_OPENSSL_EVENT_ANSWERS_FIXTURE_H
#define TESTS_OPENSSL_EVENT_ANSWERS_FIXTURE_H

#include <functional>
#include <memory>

#include "tests/support/pair.h"

namespace openssl_event::testing {

class Answers : public BothVersions {
 protected:
  void ask_server(unsigned lookups, std::function<void(OPENSSL_EVENT*)> answer) {
    ASSERT_EQ(openssl_setLookups(pair.server_context.get(), lookups), 1);
    make();
    server->on_lookup = std::move(answer);
  }
  void ask_client(unsigned lookups, std::function<void(OPENSSL_EVENT*)> answer) {
    ASSERT_EQ(openssl_setLookups(pair.client_context.get(), lookups), 1);
    make();
    client->on_lookup = std::move(answer);
  }
  void make() {
    client = pair.machine_client();
    server = pair.machine_server();
  }
  void expect_connected() {
    carry(*client, *server);
    EXPECT_TRUE(client->established() && server->established());
  }
  static void expect_refused(MachineEnd& by, MachineEnd& peer, int alert) {
    carry(by, peer);
    ASSERT_TRUE(by.failed());
    EXPECT_EQ(by.failure()->alert_sent, alert);
    ASSERT_TRUE(peer.failed());
    EXPECT_EQ(peer.failure()->alert_received, alert);
  }
  // The server asks for the client's certificate.
  void use_client_certificate() {
    use_key(pair.client_context.get(), KeyType::kEcP256, false);
    demand_certificate(pair.server_context.get());
  }

  Pair pair{GetParam()};
  std::unique_ptr<MachineEnd> client, server;
};

}  // namespace openssl_event::testing

#endif
