// What the command line says.
#ifndef EXAMPLES_HTTPS_SERVER_OPTIONS_H
#define EXAMPLES_HTTPS_SERVER_OPTIONS_H

#include <string>

#include "openssl_event/openssl_event.h"

namespace https {

struct Options {
  std::string program;           // its name, for messages
  std::string host = "127.0.0.1";
  int port = 8443;
  std::string certificate_file;  // empty: a self-signed certificate made in memory
  std::string key_file;
  std::string certificate_directory;  // certificates by server name; empty: none
  bool refuse_unknown_names = false;  // else they get certificate_file
  std::string session_cache;     // "memcached:HOST:PORT"; empty: none
  std::string session_secret;    // a file; empty: made of the private key
  std::string ticket_keys;       // a file; empty: OpenSSL's own, of this process
  bool staple = false;
  std::string ocsp_responder;    // empty: that of the certificate
  int lookup_threads = 4;
  int rsa_bits = 2048;           // of the key made in memory; 0: EC on P-256
  std::string token_key;         // a pkcs11 URI; empty: the key is key_file's
  unsigned operations = OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_SIGN) | OPENSSL_OPERATION_BIT(OPENSSL_OPERATION_DECRYPT);
  int workers = -1;              // -1: one for each processor; 0: calls are executed in place
  int nice = 19;                 // the workers', on top of the network thread's
  int in_place_below = 0;        // microseconds: what is known to take less is no call for a worker; 0: all are
  int queue = 0;                 // calls that may wait for a worker; 0: the pool's own default
  int handshake_timeout = 10;    // seconds
  int idle_timeout = 60;         // without a byte in either direction
  int grace = 5;                 // what is in flight at the end gets so long
  int send_buffer = 0;           // bytes of each socket's; 0: the kernel's own choice, which grows
  bool allow_quit = false;
  bool record_path = true;       // the machine seals and opens application data itself ...
  bool always_record_path = false;  // ... also where it is not expected to pay
  bool trace = false;

  // Something in stores, files or of responders.
  bool looks_up() const {
    return staple || !session_cache.empty() || !certificate_directory.empty() || !ticket_keys.empty();
  }
};

enum class Parsed { ok, help, wrong };

// Fills `options`, whose program is set. For `help` and `wrong` it has printed all there is to say.
Parsed parse_options(int argc, char** argv, Options& options);

}  // namespace https

#endif
