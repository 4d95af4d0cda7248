// The shared keys and their certificates as PEM files.
#ifndef TESTS_COMPAT_KEY_FILES_H
#define TESTS_COMPAT_KEY_FILES_H

#include <string>

namespace openssl_event::testing {

// A folder of this process's with rsa.key, rsa.crt, ec.key, ec.crt, ed25519.key, ed25519.crt; made at the first call.
const std::string& key_folder();

}  // namespace openssl_event::testing

#endif
