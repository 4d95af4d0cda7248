#include "examples/echo.h"

#include <openssl/err.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "examples/ending_signals.h"
#include "examples/network.h"
#include "examples/self_signed.h"

namespace {

const loop::Calls kInPlace;

struct Free {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};

std::unique_ptr<SSL, Free> make_ssl(SSL_CTX* context) {
  std::unique_ptr<SSL, Free> ssl(SSL_new(context));
  if (ssl) SSL_set_accept_state(ssl.get());
  return ssl;
}

using Clock = std::chrono::steady_clock;

constexpr auto kGrace = std::chrono::seconds(5);

bool serve(const char* program, int port, EchoServer& server) {
  bool served = server.open();
  if (served) {
    const int listener = listen_on_loopback(program, port, 1);
    if (listener < 0) return false;
    served = server.run(listener);
    close(listener);
  }
  if (!served) std::fprintf(stderr, "%s: %s\n", program, server.explain(errno).c_str());
  return served;
}

}  // namespace

Echo::Echo(SSL_CTX* context) : session_(make_ssl(context).get(), kInPlace, *this) {}

void Echo::close() {
  closing_ = true;
  openssl_closeOutput(session_.tls());
}

void Echo::cleartext(OPENSSL_EVENT* block) {
  const auto give_back = [](void* arg) { openssl_returnEvent(static_cast<OPENSSL_EVENT*>(arg)); };
  const auto size = static_cast<std::size_t>(block->c.len);
  OPENSSL_EVENT* answer = closing_ ? nullptr : openssl_wrapCleartextInEvent(block->c.buf, size, give_back, block);
  if (answer && openssl_putEvent(session_.tls(), answer)) return;
  if (!closing_) session_.fail();
  if (answer)
    openssl_freeEvent(answer);
  else
    openssl_putEvent(session_.tls(), block);
}

void Echo::status(const OPENSSL_STATUS& status) {
  if (status.status == OPENSSL_STATUS_CLOSE_NOTIFY) openssl_closeOutput(session_.tls());
  if (status.status == OPENSSL_STATUS_ERROR) std::fprintf(stderr, "connection ended: %s\n", status.text);
}

EchoClient::~EchoClient() { close(fd); }

bool EchoServer::run(int listener) {
  if (!begin(listener)) return false;
  while (!stopped_)
    if (!take_turn(-1)) return false;
  close_clients();
  const Clock::time_point end = Clock::now() + kGrace;
  for (Clock::time_point now = end - kGrace; has_clients() && now < end; now = Clock::now())
    if (!take_turn(static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(end - now).count()))) return false;
  return true;
}

std::string EchoServer::explain(int reason) const { return std::strerror(reason); }

int run_echo_server(const char* program, int argc, char** argv, MakeEchoServer make) {
  const int port = port_of_arguments(argc, argv, 4433, "It sends back whatever a client sends.");
  const int signals = open_ending_signals();
  SSL_CTX* context = make_server_context(2048);
  if (!context) ERR_print_errors_fp(stderr);
  const bool served = context && signals >= 0 && serve(program, port, *make(signals, context));
  if (signals >= 0) close(signals);
  SSL_CTX_free(context);
  return served ? EXIT_SUCCESS : EXIT_FAILURE;
}
