// What seals and opens a batch of records: the cipher alone, libssl on memory BIOs, a machine. Nanoseconds each.
#ifndef BENCHMARKS_RECORD_PATH_ENDPOINTS_H
#define BENCHMARKS_RECORD_PATH_ENDPOINTS_H

#include <cstdint>
#include <memory>
#include <vector>

#include "benchmarks/support/peers.h"

namespace benchmarks {

struct Suite {
  const char* suffix;  // of the figures
  const char* name;
  const char* cipher;  // for EVP
  int version;
  const char* list;  // for SSL_CTX_set_ciphersuites or SSL_CTX_set_cipher_list
};

struct Load {
  std::size_t size;  // of the cleartext of a record
  int records;       // of a batch
};

// Records made in one go between two looks at the clock: the machine's window.
constexpr int kGo = 16;

// Init_ex(iv), AAD, Update, Final_ex, the tag: what a record costs at least.
class RawCipher {
 public:
  explicit RawCipher(const char* cipher);
  std::int64_t seal(const Load& load, const char* data);
  std::int64_t open(const Load& load, const char*);

 private:
  struct Free {
    void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
  };
  std::unique_ptr<EVP_CIPHER_CTX, Free> sealer_, opener_;
  std::vector<unsigned char> records_;
};

// The server, and the plain client that it talks to.
class PlainServer {
 public:
  PlainServer(SSL_CTX* client, SSL_CTX* server);
  std::int64_t seal(const Load& load, const char* data);
  std::int64_t open(const Load& load, const char* data);

 private:
  PlainPeer client_, server_;
  Wire wire_;
  std::vector<char> received_;
};

class MachineServer {
 public:
  MachineServer(SSL_CTX* client, SSL_CTX* server);
  ~MachineServer();
  std::int64_t seal(const Load& load, char* data);
  std::int64_t open(const Load& load, const char* data);
  bool is_direct() const;

 private:
  PlainPeer client_;
  Machine machine_;
  Wire wire_;
  std::vector<OPENSSL_EVENT*> records_in_;  // the buffers that the network fills
};

}  // namespace benchmarks

#endif
