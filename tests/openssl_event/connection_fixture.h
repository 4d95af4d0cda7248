// Two machines, connected or about to be, and the verbs of their tests.
#ifndef TESTS_OPENSSL_EVENT_CONNECTION_FIXTURE_H
#define TESTS_OPENSSL_EVENT_CONNECTION_FIXTURE_H

#include <memory>
#include <string>

#include "tests/support/pair.h"

namespace openssl_event::testing {

class ConnectionTest : public BothVersions {
 protected:
  void make() {
    client = pair.machine_client();
    server = pair.machine_server();
  }
  void connect() {
    make();
    carry(*client, *server);
    ASSERT_TRUE(client->established() && server->established());
  }
  // An SSL that is freed without a close_notify spoils its session.
  void reconnect_with_the_session() {
    client->close_output();
    server->close_output();
    carry(*client, *server);
    SSL_SESSION* session = SSL_get1_session(client->ssl());
    make();
    SSL_set_session(client->ssl(), session);
    SSL_SESSION_free(session);
    carry(*client, *server);
  }
  static std::string wants(const MachineEnd& end) {
    char text[100];
    return openssl_wantsNames(openssl_wants(end.tls()), text, sizeof text);
  }
  static std::string closed(const MachineEnd& end) {
    char text[100];
    return openssl_closedNames(openssl_closed(end.tls()), text, sizeof text);
  }

  Pair pair{GetParam()};
  std::unique_ptr<MachineEnd> client, server;
};

}  // namespace openssl_event::testing

#endif
