// An engine that the program has set as default for the ciphers of its records: libssl lets it seal and open them.
#include "tests/compat/differential/path_setup.h"
#include "tests/support/cipher_engine.h"

using namespace openssl_event::testing;

SCENARIO(ciphers_of_an_engine) {
  const CipherEngine engine;
  for (const char* suite : suites(setup)) {
    Ready ready(setup, suite);
    Connection& c = *ready.connection;
    for (int i = 0; i < 3; ++i) talk(c);
    close_both(c);
  }
}
