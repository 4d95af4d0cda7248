// What an application may not do with an event: the same cases for both builds of the library (convention 4 of the
// header).
#ifndef TESTS_OPENSSL_EVENT_MISUSE_H
#define TESTS_OPENSSL_EVENT_MISUSE_H

#include <vector>

#include "tests/support/pair.h"

namespace openssl_event::testing {

// Two connections, the first with a CLEARTEXT_IN put, a RECORD_OUT and an ENGINE_CALL lent.
class Misuse : public ::testing::Test {
 protected:
  Misuse() {
    server->keep_calls = server->keep_records = true;
    client->work();
    server->receive(client->take_output());
    server->work();
    call = server->calls.front();
    put = openssl_newCleartextInEvent("put", 3);
    openssl_putEvent(server->tls(), put);
    other->keep_records = true;
    other->work();
    record = other->records.front();
  }

  Pair pair{TLS1_3_VERSION, KeyType::kEcP256, true};
  std::unique_ptr<MachineEnd> client = pair.machine_client(), server = pair.machine_server(),
                              other = pair.machine_client();
  OPENSSL_EVENT* call = nullptr;
  OPENSSL_EVENT* put = nullptr;
  OPENSSL_EVENT* record = nullptr;
};

}  // namespace openssl_event::testing

#endif
