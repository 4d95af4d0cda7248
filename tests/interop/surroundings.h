// What the other programs need: files with keys, certificates and data. And what the tests print about them.
#ifndef TESTS_INTEROP_SURROUNDINGS_H
#define TESTS_INTEROP_SURROUNDINGS_H

#include <string>
#include <string_view>

#include "tests/support/contexts.h"

namespace openssl_event::interop {

using testing::KeyType;

inline constexpr KeyType kEveryKey[] = {KeyType::kRsa,    KeyType::kRsaPss,  KeyType::kEcP256, KeyType::kEcP384,
                                        KeyType::kEcP521, KeyType::kEd25519, KeyType::kEd448};

// PEM files of testing::shared_key(type) and its certificate.
std::string key_file(KeyType type);
std::string certificate_file(KeyType type);
// A path in the test's own directory.
std::string scratch_file(const std::string& name);
std::string scratch_directory();

// Ten megabytes in which no two places look alike, and a file of them.
const std::string& much_data();
std::string much_data_file();
std::string read_file(const std::string& path);
void write_file(const std::string& path, std::string_view text);
std::string sha256(std::string_view bytes);

const char* version_name(int version);  // "Tls12": fit for a test's name

// One cell of the table of keys and versions that is printed at the end of the program, under the peer's name.
void note_in_matrix(const char* peer, KeyType key, int version, const std::string& outcome);

}  // namespace openssl_event::interop

#endif
