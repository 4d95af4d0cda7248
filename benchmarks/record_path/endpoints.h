// What seals and opens a batch of records: the cipher alone, libssl on memory BIOs, a machine.
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
  const char* list;    // for SSL_CTX_set_ciphersuites or SSL_CTX_set_cipher_list
  const char* gnutls;  // GnuTLS's priorities
};

struct Load {
  std::size_t size;  // of the cleartext of a record
  int records;       // of a batch
  std::size_t bytes() const { return size * static_cast<std::size_t>(records); }
};

// Room for a batch's records.
constexpr std::size_t kWire = 1024 * 1024;

// Records made in one go between two looks at the clock: the machine's window, and so short that few are interrupted.
constexpr int kGo = 16;

// The time of a go: a sample, of nanoseconds a record.
class Go {
 public:
  Go(Samples& samples, int records) : samples_(samples), records_(records) {}
  int records() const { return records_; }
  void begin() { begin_ = wall_now(); }
  void pause() { sum_ += wall_now() - begin_ - clock_cost(); }
  void end() {
    pause();
    samples_.add(static_cast<double>(sum_) / records_);
  }

 private:
  Samples& samples_;
  int records_;
  std::int64_t begin_ = 0, sum_ = 0;
};

std::size_t record_length(const char* record);

// Init_ex(iv), AAD, Update, Final_ex, the tag: what a record costs at least.
class RawCipher {
 public:
  explicit RawCipher(const char* cipher);
  void seal(const Load& load, const char* data, Samples& samples);
  void open(const Load& load, const char*, Samples& samples);

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
  void seal(const Load& load, const char* data, Samples& samples);
  void open(const Load& load, const char* data, Samples& samples);

 private:
  PlainPeer client_, server_;
  Wire wire_;
  std::vector<char> received_;
};

class MachineServer {
 public:
  MachineServer(SSL_CTX* client, SSL_CTX* server);
  ~MachineServer();
  void seal(const Load& load, char* data, Samples& samples);
  void open(const Load& load, const char* data, Samples& samples);
  bool is_direct() const;

 private:
  PlainPeer client_;
  Machine machine_;
  Wire wire_;
  std::vector<OPENSSL_EVENT*> records_in_;  // the buffers that the network fills
};

}  // namespace benchmarks

#endif
