// A TLS server that has no private key: it is in another process (key_server.cc), and nobody waits for that. One thread,
// poll(), any number of connections; each gets one line.
//
//     key_server KEY.pem /run/keys &
//     remote_key_server --certificate CERTIFICATE.pem --keys /run/keys [--port N]     4433 unless given; 0: any, printed
//     curl -k https://127.0.0.1:4433/
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "adapters/loop/socket.h"
#include "examples/network.h"
#include "examples/key_server/remote_key.h"

namespace {

constexpr char kAnswer[] =
    "HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 37\r\n\r\nThe key is in another process's hands";

volatile std::sig_atomic_t stopped = 0;

class Connection final : public loop::User {
 public:
  Connection(int fd, SSL* ssl, const loop::Calls& calls) : fd_(fd), session_(ssl, calls, *this) {}
  ~Connection() { close(fd_); }

  bool valid() const { return session_.valid(); }
  pollfd poll_entry() const { return {fd_, loop::wanted(session_), 0}; }
  // Also without events, after a call has come home. False: it is over.
  bool handle(short events) { return loop::serve(fd_, session_, static_cast<unsigned short>(events)); }

 private:
  void cleartext(OPENSSL_EVENT* block) override {
    openssl_putEvent(session_.tls(), block);
    OPENSSL_EVENT* answer = answered_ ? nullptr : openssl_newCleartextInEvent(kAnswer, sizeof kAnswer - 1);
    if (!answer) return;
    answered_ = true;
    openssl_putEvent(session_.tls(), answer);
    openssl_closeOutput(session_.tls());
  }
  void written(OPENSSL_EVENT* block) override { openssl_freeEvent(block); }
  void status(const OPENSSL_STATUS& status) override {
    if (status.status == OPENSSL_STATUS_ERROR) std::fprintf(stderr, "connection ended: %s\n", status.text);
  }
  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}

  const int fd_;
  loop::Session session_;
  bool answered_ = false;
};

using Connections = std::vector<std::unique_ptr<Connection>>;

void accept_connection(int listener, SSL_CTX* context, const loop::Calls& calls, Connections& connections) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  SSL* ssl = SSL_new(context);
  if (ssl) SSL_set_accept_state(ssl);
  auto connection = std::make_unique<Connection>(fd, ssl, calls);
  SSL_free(ssl);
  if (connection->valid()) connections.push_back(std::move(connection));
}

// Everybody is served after each round: few connections make a simple loop.
void collect(const loop::Calls& calls) {
  while (OPENSSL_EVENT* call = openssl_collectCompletion(calls.completions)) loop::Session::take_back(call);
}

void serve(int listener, SSL_CTX* context, key_server::RemoteKey& key, const loop::Calls& calls) {
  Connections connections;
  std::vector<pollfd> entries;
  while (!stopped) {
    entries = {{listener, POLLIN, 0}, {openssl_completionFd(calls.completions), POLLIN, 0}, {key.fd(), key.events(), 0}};
    const std::size_t first = entries.size();
    for (const auto& connection : connections) entries.push_back(connection->poll_entry());
    if (poll(entries.data(), entries.size(), -1) < 0) continue;  // EINTR
    if (entries[2].revents) key.handle();
    if (entries[1].revents) collect(calls);
    for (std::size_t i = connections.size(); i-- > 0;)
      if (!connections[i]->handle(entries[first + i].revents)) connections.erase(connections.begin() + static_cast<long>(i));
    if (entries[0].revents) accept_connection(listener, context, calls, connections);
  }
}

// With the certificate's public key and the engine that has the other half.
bool use_remote_key(SSL_CTX* context, const char* certificate, key_server::RemoteKey& remote) {
  if (!context || SSL_CTX_use_certificate_chain_file(context, certificate) <= 0) return false;
  EVP_PKEY* key = remote.make_key(X509_get0_pubkey(SSL_CTX_get0_certificate(context)));
  const bool done = key && SSL_CTX_use_PrivateKey(context, key) > 0;
  EVP_PKEY_free(key);
  return done;
}

// What the calls need ends after those who may still hold one.
bool run(const char* certificate, const char* keys, int port) {
  const loop::Calls calls = {nullptr, openssl_newCompletions()};
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  bool listens = false;
  {
    key_server::RemoteKey key(keys);
    const bool ready = calls.completions && use_remote_key(context, certificate, key);
    const int listener = ready ? listen_on_loopback("remote_key_server", port, 1) : -1;
    listens = listener >= 0;
    if (listens) serve(listener, context, key, calls);
    SSL_CTX_free(context);
  }
  openssl_freeCompletions(calls.completions);
  return listens;
}

const char* option(int argc, char** argv, std::string_view name, const char* otherwise) {
  for (int i = 1; i + 1 < argc; ++i)
    if (argv[i] == name) return argv[i + 1];
  return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
  const char* certificate = option(argc, argv, "--certificate", nullptr);
  const char* keys = option(argc, argv, "--keys", nullptr);
  const int port = parse_port(option(argc, argv, "--port", "4433"));
  const bool help = argc == 2 && std::string_view(argv[1]) == "--help";
  if (!certificate || !keys || port < 0) {
    std::fprintf(help ? stdout : stderr,
                 "usage: remote_key_server --certificate FILE --keys SOCKET [--port N]\n"
                 "An echo server whose private key is in the process that serves SOCKET (key_server). N from 0 (any free port) to\n"
                 "65535; 4433 unless given.\n");
    return help ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  struct sigaction stop = {};
  stop.sa_handler = [](int) { stopped = 1; };
  sigaction(SIGTERM, &stop, nullptr);
  sigaction(SIGINT, &stop, nullptr);

  if (run(certificate, keys, port)) return 0;
  ERR_print_errors_fp(stderr);
  return 1;
}
