// Scenarios of programs that block: a thread for each side.
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

using Part = void (*)(Side& side);

void run_side(const char* name, SSL_CTX* ctx, bool server, int fd, const std::string& how, Part part, std::string& text) {
  Side::say_to(&text);
  {
    SSL* ssl = SSL_new(ctx);
    server ? SSL_set_accept_state(ssl) : SSL_set_connect_state(ssl);
    Side side(name, ssl, nullptr);
    if (how == "socket-bio") {
      BIO* bio = BIO_new_socket(fd, BIO_NOCLOSE);
      SSL_set_bio(ssl, bio, bio);
    } else {
      SSL_set_fd(ssl, fd);
    }
    part(side);
  }
  Side::say_to(nullptr);
}

void run_both(const Setup& setup, SSL_CTX* client, SSL_CTX* server, Part of_client, Part of_server) {
  if (setup.chunk || (setup.transport != "fd" && setup.transport != "unix-fd" && setup.transport != "socket-bio")) return;
  int fds[2];
  make_sockets(setup.transport != "unix-fd", true, fds);
  std::string client_text, server_text;
  std::thread peer([&] { run_side("server", server, true, fds[1], setup.transport, of_server, server_text); });
  run_side("client", client, false, fds[0], setup.transport, of_client, client_text);
  peer.join();
  for (const int fd : fds) close(fd);  // not before both have ended, or one would write into a closed connection
  Side::say(client_text + server_text);
}

void read_all(Side& side, std::size_t bytes) {
  while (side.received.size() < bytes && side.read("SSL_read_ex", 5000) > 0) {
  }
}

void read_to_the_end(Side& side) {
  while (side.read("SSL_read", 100) > 0) {
  }
  side.shutdown();
}

void set_timeout(Side& side) {
  const timeval soon = {0, 20000};
  setsockopt(SSL_get_fd(side.ssl()), SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
}

}  // namespace

// It is unwound through the layer, whose cleanups are the unwinder's business too.
SCENARIO(path_cancelled_thread) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  for (SSL_CTX* ctx : {server.get(), client.get()}) SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
  run_both(
      setup, client.get(), server.get(),
      [](Side& side) {
        side.handshake("SSL_connect");
        side.write("SSL_write", "hello");
        read_all(side, 5);
      },
      [](Side& side) {
        side.handshake("SSL_accept");
        read_all(side, 5);
        side.write("SSL_write", "hello");
        pthread_t thread;
        const auto read = [](void* ssl) -> void* {
          char byte;
          SSL_read(static_cast<SSL*>(ssl), &byte, 1);
          return nullptr;
        };
        pthread_create(&thread, nullptr, read, side.ssl());
        pthread_cancel(thread);
        void* result = nullptr;
        pthread_join(thread, &result);
        Side::say("  cancelled " + std::to_string(result == PTHREAD_CANCELED));
      });
}

SCENARIO(blocking) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  run_both(
      setup, client.get(), server.get(),
      [](Side& side) {
        side.handshake("SSL_connect");
        side.write("SSL_write", std::string(60000, 'a'));
        side.read("SSL_read", 5);
        side.shutdown();
        side.shutdown();
      },
      [](Side& side) {
        side.handshake("SSL_accept");
        read_all(side, 60000);
        side.write("SSL_write_ex", "done!");
        read_to_the_end(side);
      });
}

SCENARIO(blocking_client_certificate) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  use_key_files(client.get(), setup);
  SSL_CTX_load_verify_file(server.get(), file(setup, ".crt").c_str());
  SSL_CTX_set_verify(server.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  run_both(
      setup, client.get(), server.get(),
      [](Side& side) {
        side.write("SSL_write", "the first call");
        side.read("SSL_read", 100);
        side.shutdown();
      },
      [](Side& side) {
        side.read("SSL_read", 100);
        side.write("SSL_write", "answer");
        read_to_the_end(side);
      });
}

SCENARIO(blocking_with_timeout) {
  const ContextPointer server = server_context(setup), client = client_context(setup);
  run_both(
      setup, client.get(), server.get(),
      [](Side& side) {
        side.handshake("SSL_connect");
        read_to_the_end(side);
      },
      [](Side& side) {
        side.handshake("SSL_accept");
        set_timeout(side);
        side.read("SSL_read", 100);
        side.read("SSL_peek", 100);
        side.shutdown();
      });
}
