// An HTTPS client that verifies its peer elsewhere: the chain goes to a worker thread, which reads a certificate
// revocation list (RFC 5280 5), however long that takes, and verifies with it. The network thread goes on meanwhile.
//
//     verifying_client HOST PORT AUTHORITIES CRL [PATH]        both files in PEM form
#include <openssl/pem.h>
#include <poll.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "adapters/loop/socket.h"
#include "examples/network.h"
#include "examples/verified_client.h"

namespace {

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(X509_CRL* crl) const { X509_CRL_free(crl); }
  void operator()(X509_STORE_CTX* verification) const { X509_STORE_CTX_free(verification); }
  void operator()(std::FILE* file) const { std::fclose(file); }
  void operator()(STACK_OF(X509_CRL) * crls) const { sk_X509_CRL_pop_free(crls, X509_CRL_free); }
  void operator()(STACK_OF(X509) * chain) const { sk_X509_pop_free(chain, X509_free); }
  void operator()(openssl_completions_t* completions) const { openssl_freeCompletions(completions); }
};
using Crls = std::unique_ptr<STACK_OF(X509_CRL), Free>;
using Chain = std::unique_ptr<STACK_OF(X509), Free>;

// ---- On the worker ----

// nullptr: there is none in the file.
Crls read_crls(const std::string& name) {
  const std::unique_ptr<std::FILE, Free> file(std::fopen(name.c_str(), "r"));
  std::unique_ptr<X509_CRL, Free> crl(file ? PEM_read_X509_CRL(file.get(), nullptr, nullptr, nullptr) : nullptr);
  Crls crls(crl ? sk_X509_CRL_new_null() : nullptr);
  if (!crls || !sk_X509_CRL_push(crls.get(), crl.get())) return nullptr;
  crl.release();  // the stack's now
  return crls;
}

// As OpenSSL does it, with the parameters of the connection, and the peer's certificate must not be on the list.
void verify(OPENSSL_EVENT* e, const std::string& crl_file) {
  const OPENSSL_VERIFY_LOOKUP& wanted = *e->l.u.verify;
  const Crls crls = read_crls(crl_file);
  const std::unique_ptr<X509_STORE_CTX, Free> verification(X509_STORE_CTX_new());
  if (!crls || !verification ||
      !X509_STORE_CTX_init(verification.get(), wanted.store, sk_X509_value(wanted.chain, 0), wanted.chain) ||
      !X509_VERIFY_PARAM_set1(X509_STORE_CTX_get0_param(verification.get()), wanted.param)) {
    openssl_failLookup(e, "there is no certificate revocation list");
    return;
  }
  X509_STORE_CTX_set_flags(verification.get(), X509_V_FLAG_CRL_CHECK);
  X509_STORE_CTX_set0_crls(verification.get(), crls.get());
  const bool good = X509_verify_cert(verification.get()) > 0;
  const int error = X509_STORE_CTX_get_error(verification.get());
  const Chain chain(X509_STORE_CTX_get1_chain(verification.get()));
  openssl_answerVerified(e,
                         good                 ? X509_V_OK
                         : error == X509_V_OK ? X509_V_ERR_UNSPECIFIED
                                              : error,
                         X509_STORE_CTX_get_error_depth(verification.get()), chain.get());
}

// ---- On the network thread ----

class Client final : private loop::User {
 public:
  Client(SSL* ssl, int fd, std::string crl_file, std::string request)
      : fd_(fd), crl_file_(std::move(crl_file)), request_(std::move(request)), session_(ssl, calls_, *this) {}
  ~Client() {
    if (worker_.joinable()) worker_.join();
  }

  // The exit status.
  int run() {
    if (!session_.valid() || !completions_) return 1;
    for (;;) {
      session_.run();
      if (!send()) return 1;
      if (session_.finished() || (session_.peer_closed() && session_.unsent() == 0)) return session_.failed() ? 1 : 0;
      if (!wait()) return 1;
    }
  }

 private:
  void cleartext(OPENSSL_EVENT* block) override {
    std::fwrite(block->c.buf, 1, static_cast<std::size_t>(block->c.len), stdout);
    openssl_putEvent(session_.tls(), block);
  }
  void written(OPENSSL_EVENT* block) override { openssl_freeEvent(block); }
  void executed(const OPENSSL_ENGINE_CALL&, std::optional<std::chrono::nanoseconds>) override {}
  void status(const OPENSSL_STATUS& status) override {
    if (status.status == OPENSSL_STATUS_ERROR) std::fprintf(stderr, "verifying_client: %s\n", status.text);
    if (status.status != OPENSSL_STATUS_HANDSHAKE_DONE) return;
    OPENSSL_EVENT* block = openssl_newCleartextInEvent(request_.data(), request_.size());
    if (!block || !openssl_putEvent(session_.tls(), block)) session_.fail();
  }
  // One verification in a connection, so one worker; a client with many connections would have a pool.
  void lookup(OPENSSL_EVENT* question) override {
    if (question->l.question != OPENSSL_LOOKUP_VERIFY || worker_.joinable()) return loop::User::lookup(question);
    worker_ = std::thread([this, question] {
      verify(question, crl_file_);
      openssl_postCompletion(completions_.get(), question);
    });
  }

  bool send() {
    loop::Moved moved;
    do {
      moved = loop::send(fd_, session_);
    } while (loop::has_moved(moved));
    return moved == loop::Moved::nothing;
  }

  // For bytes of the server, or the worker's answer, whichever comes first.
  bool wait() {
    pollfd ready[] = {{session_.wants_input() ? fd_ : -1, POLLIN, 0},
                      {openssl_completionFd(completions_.get()), POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) return false;
    while (OPENSSL_EVENT* answered = openssl_collectCompletion(completions_.get())) openssl_returnEvent(answered);
    if (!ready[0].revents) return true;
    const loop::Moved moved = loop::receive(fd_, session_);
    if (moved == loop::Moved::end) session_.input_ended();
    return moved != loop::Moved::broken && moved != loop::Moved::no_memory;
  }

  const int fd_;
  const std::string crl_file_, request_;
  const std::unique_ptr<openssl_completions_t, Free> completions_{openssl_newCompletions()};
  loop::Calls calls_;
  std::thread worker_;
  loop::Session session_;
};

int fail(const char* what) {
  std::fprintf(stderr, "verifying_client: %s\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const bool help = argc == 2 && std::string_view(argv[1]) == "--help";
  if (argc < 5 || argc > 6) {
    std::fprintf(help ? stdout : stderr,
                 "usage: verifying_client HOST PORT AUTHORITIES CRL [PATH]\n"
                 "It fetches a page by HTTPS from a server whose certificate is of the authorities and not on the revocation list,\n"
                 "both files in PEM form.\n");
    return help ? 0 : 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const std::unique_ptr<SSL_CTX, Free> context(verified_context(argv[3]));
  if (!context || !openssl_setLookups(context.get(), OPENSSL_LOOKUP_VERIFY)) return fail("no authorities in that file");
  const std::unique_ptr<SSL, Free> ssl(verified_ssl(context.get(), argv[1]));
  if (!ssl) return fail("out of memory");
  const int fd = connect_to_host("verifying_client", argv[1], argv[2]);
  if (fd < 0) return 1;
  const std::string path = argc == 6 ? argv[5] : "/";
  Client client(ssl.get(), fd, argv[4],
                "GET " + path + " HTTP/1.1\r\nHost: " + argv[1] + "\r\nConnection: close\r\n\r\n");
  const int status = client.run();
  close(fd);
  return status;
}
