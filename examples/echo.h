// What the echo servers have in common, whatever loop they have: every byte that a client sends comes back to it.
//
// What it shows: cleartext handed back without a copy. The block that came out of the machine goes in again as the memory
// of a CLEARTEXT_IN, and is given back when its bytes are in records. So a client that sends and does not read is held
// back by the machine's window alone: there is no buffer here that could grow.
#ifndef EXAMPLES_ECHO_H
#define EXAMPLES_ECHO_H

#include <memory>
#include <string>

#include "adapters/loop/session.h"

// One connection; who owns it moves the bytes of its session, and runs that.
class Echo final : private loop::User {
 public:
  explicit Echo(SSL_CTX* context);
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  bool valid() const { return session_.valid(); }  // false: no memory

  loop::Session& session() { return session_; }
  const loop::Session& session() const { return session_; }

  // To be run then: what has come is echoed, then comes close_notify.
  void close();

 private:
  void cleartext(OPENSSL_EVENT* block) override;
  void written(OPENSSL_EVENT* answer) override { openssl_freeEvent(answer); }  // which gives its block back
  void status(const OPENSSL_STATUS& status) override;
  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}

  bool closing_ = false;
  loop::Session session_;  // last: it uses what stands above
};

// With its socket.
struct EchoClient {
  EchoClient(int socket, SSL_CTX* context) : fd(socket), echo(context) {}
  ~EchoClient();
  EchoClient(const EchoClient&) = delete;
  EchoClient& operator=(const EchoClient&) = delete;

  const int fd;
  Echo echo;
};

// A server but for its loop.
class EchoServer {
 public:
  virtual ~EchoServer() = default;

  // Before it listens. False: the kernel lacks what it needs; errno says what.
  virtual bool open() { return true; }

  // Serves until it is stopped; then what has come is echoed, and each connection is closed in order; those that take too
  // long, at once. The listener does not block. False: it cannot go on; errno says why.
  bool run(int listener);

  // What to tell people when one of these has failed.
  virtual std::string explain(int reason) const;

 protected:
  virtual bool begin(int listener) = 0;          // accepts clients from now on
  virtual bool take_turn(int milliseconds) = 0;  // waits so long at most, -1: without limit, and serves
  virtual void close_clients() = 0;              // accepts no more, and closes each Echo
  virtual bool has_clients() const = 0;
  void stop() { stopped_ = true; }

 private:
  bool stopped_ = false;
};

// The program. `signals` becomes readable when the server is to stop.
using MakeEchoServer = std::unique_ptr<EchoServer> (*)(int signals, SSL_CTX* context);
int run_echo_server(const char* program, int argc, char** argv, MakeEchoServer make);

template <typename Server>
int run_echo_server(const char* program, int argc, char** argv) {
  return run_echo_server(program, argc, argv, [](int signals, SSL_CTX* context) -> std::unique_ptr<EchoServer> {
    return std::make_unique<Server>(signals, context);
  });
}

#endif
