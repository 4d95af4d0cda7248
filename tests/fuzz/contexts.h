// The SSLs that the connection target works with: the same settings for the machine's, its peer's, and a plain one's.
#ifndef TESTS_FUZZ_CONTEXTS_H
#define TESTS_FUZZ_CONTEXTS_H

#include <openssl/ssl.h>

namespace openssl_event::fuzz {

enum class Versions { any, only_1_2, only_1_3, to_1_2 };

struct Config {
  bool client = false;  // the machine's role
  bool with_peer = false;
  Versions versions = Versions::any;
  bool client_certificate = false;
  bool renegotiation = false;
  bool small_windows = false;
  bool small_budget = false;
  bool lookups = false;
  bool hello_retry = false;  // the client's first key share is of a group that the server does not take
};

enum class Kind { plain, offloaded, asking };  // with an offloaded key; and with all lookups on

// Configured for `role`, ready for a handshake. The caller's.
SSL* new_ssl(const Config& config, bool client, Kind kind);

// From here on, every draw of random bytes gives the same ones, whatever was drawn before: a run can be repeated, and a
// plain libssl beside the machine writes what the machine writes.
void fix_random_bytes();

}  // namespace openssl_event::fuzz

#endif
