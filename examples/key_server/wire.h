// What a key server and its clients say to each other, over a stream between processes of one machine: requests and
// answers, each a header in the machine's byte order and then as many bytes as it says. Answers may come in any order.
#ifndef EXAMPLES_KEY_SERVER_WIRE_H
#define EXAMPLES_KEY_SERVER_WIRE_H

#include <cstdint>

namespace key_server {

enum class Operation : std::uint32_t { sign = 1, decrypt = 2 };

struct Request {
  std::uint64_t id;
  Operation operation;
  std::int32_t padding;      // of RSA, as in OPENSSL_SIGN; a decryption is raw
  std::int32_t salt_length;  // RSA-PSS
  std::uint32_t length;      // of the digest to sign, or of the ciphertext
  char digest[16];           // its name; "": the message itself is to be signed (Ed25519, Ed448)
};

struct Answer {
  std::uint64_t id;
  std::uint32_t length;  // of the signature or the message; 0: it could not be done
};

constexpr std::uint32_t kMaxLength = 4096;

}  // namespace key_server

#endif
