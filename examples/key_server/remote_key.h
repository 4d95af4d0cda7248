// An engine whose work is done by another process: the client of a key server. It waits for nothing: start() queues a
// request, the answer completes the call. To make a client of a KMS of it, change what is written and read.
#ifndef EXAMPLES_KEY_SERVER_REMOTE_KEY_H
#define EXAMPLES_KEY_SERVER_REMOTE_KEY_H

#include <cstdint>
#include <map>
#include <string>

#include "examples/key_server/wire.h"
#include "openssl_event/openssl_event.h"

namespace key_server {

// Used by the thread of one event loop, which asks poll() for entry() and then calls handle(). When the server is gone its
// calls fail, and so do their handshakes; the next call connects again.
class RemoteKey {
 public:
  explicit RemoteKey(std::string path) : path_(std::move(path)) {}
  ~RemoteKey() { disconnect("the program ends"); }
  RemoteKey(const RemoteKey&) = delete;
  RemoteKey& operator=(const RemoteKey&) = delete;

  // A key for SSL_CTX_use_PrivateKey. `public_key`: of the certificate. The caller's; nullptr on failure.
  EVP_PKEY* make_key(EVP_PKEY* public_key) { return openssl_engineKey(public_key, &engine_, this, nullptr); }

  // -1: not connected, nothing to wait for.
  int fd() const { return fd_; }
  short events() const;
  void handle();

 private:
  struct Waiting {
    OPENSSL_EVENT* call;
    openssl_completions_t* completions;
  };

  static int start(OPENSSL_EVENT* e, openssl_completions_t* completions);
  bool begin(OPENSSL_EVENT* e, openssl_completions_t* completions);
  bool append_sign(OPENSSL_EVENT* e);
  void append(const Request& request, const unsigned char* bytes);
  bool connect();
  void disconnect(const char* reason);
  bool flush();
  bool receive();
  void finish(const Answer& answer, const unsigned char* bytes);

  const OPENSSL_ENGINE engine_ = {sizeof(OPENSSL_ENGINE), "key server", nullptr, this, start};
  const std::string path_;
  int fd_ = -1;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Waiting> waiting_;
  std::string unsent_, received_;
};

}  // namespace key_server

#endif
