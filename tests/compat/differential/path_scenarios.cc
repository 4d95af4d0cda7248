// Scenarios of data after a handshake, where the layer seals and opens records itself, and of all that disturbs it.
#include <openssl/bio.h>
#include <openssl/err.h>

#include <utility>

#include "tests/compat/differential/bios.h"
#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

// Renegotiation of TLS 1.2 is forbidden: else libssl keeps its records.
struct Ready {
  explicit Ready(const Setup& setup, const char* suite = nullptr)
      : server(server_context(setup)), client(client_context(setup)) {
    for (SSL_CTX* ctx : {server.get(), client.get()}) {
      SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
      if (suite) setup.version == TLS1_3_VERSION ? SSL_CTX_set_ciphersuites(ctx, suite) : SSL_CTX_set_cipher_list(ctx, suite);
    }
    connection = std::make_unique<Connection>(setup, client.get(), server.get());
    connection->handshake();
  }
  ContextPointer server, client;
  std::unique_ptr<Connection> connection;
};

// Application data both ways, so that all that shall be taken over is.
void talk(Connection& c) {
  c.transfer(c.client, c.server, 30);
  c.transfer(c.server, c.client, 50);
}

// Both sides read until all that is on its way has arrived.
void settle(Connection& c) {
  for (int i = 0; i < 4; ++i)
    for (Side* side : {&c.client, &c.server}) {
      while (side->deliver(c.chunk)) side->read("SSL_read", 1000);
      side->read("SSL_read", 1000);
      exchange(c.client, c.server);
    }
}

void close_both(Connection& c) {
  c.client.shutdown();
  c.server.shutdown();
  exchange(c.client, c.server);
  for (Side* side : {&c.client, &c.server}) {
    side->deliver(0);
    side->shutdown();
    side->read("SSL_read", 10);
    side->write("SSL_write", "too late");
  }
}

std::vector<const char*> suites(const Setup& setup) {
  if (setup.version == TLS1_3_VERSION)
    return {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256"};
  return {"AES128-GCM-SHA256:ECDHE+AESGCM+AES128", "ECDHE+AESGCM+AES256", "ECDHE+CHACHA20", "ECDHE+AESCCM:AES128-CCM",
          "ECDHE+AES128+SHA1:AES128-SHA"};
}

void update_key(Side& side, int type) {
  side.call("SSL_key_update", [&] { return long{SSL_key_update(side.ssl(), type)}; });
}

}  // namespace

SCENARIO(path_suites) {
  for (const char* suite : suites(setup)) {
    Side::say(suite);
    Ready ready(setup, suite);
    Connection& c = *ready.connection;
    talk(c);
    for (const std::size_t size : {1, 64, 1023, 1024, 1025, 16383, 16384, 16385, 40000})
      if (!setup.chunk || size < 100)
        for (Side* side : {&c.client, &c.server}) c.transfer(*side, side == &c.client ? c.server : c.client, size);
    close_both(c);
  }
}

SCENARIO(path_key_updates) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  for (const int type : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED})
    for (Side* side : {&c.client, &c.server}) {
      Side& other = side == &c.client ? c.server : c.client;
      update_key(*side, type);
      side->write("SSL_write", "with the next data");
      exchange(c.client, c.server);
      settle(c);
      update_key(*side, type);
      side->read("SSL_read", 10);
      other.write("SSL_write", "crossing");
      exchange(c.client, c.server);
      settle(c);
      update_key(*side, type);
      update_key(other, type);
      side->handshake("SSL_do_handshake");
      other.write("SSL_write_ex", "both");
      exchange(c.client, c.server);
      settle(c);
      talk(c);
    }
  close_both(c);
}

SCENARIO(path_tickets) {
  SSL_SESSION* session = nullptr;
  Ready ready(setup);
  for (int i = 0; i < 3; ++i) {
    Connection c(setup, ready.client.get(), ready.server.get());
    if (session) SSL_set_session(c.client.ssl(), session);
    SSL_SESSION_free(session);
    c.handshake();
    talk(c);
    c.server.call("SSL_new_session_ticket", [&] { return long{SSL_new_session_ticket(c.server.ssl())}; });
    c.server.write("SSL_write", "after a ticket");
    c.server.call("SSL_new_session_ticket", [&] { return long{SSL_new_session_ticket(c.server.ssl())}; });
    c.server.handshake("SSL_do_handshake");
    exchange(c.client, c.server);
    settle(c);
    talk(c);
    Side::say("  reused " + std::to_string(SSL_session_reused(c.client.ssl())));
    session = SSL_get1_session(c.client.ssl());
    close_both(c);
  }
  SSL_SESSION_free(session);
}

// close_notify of either side first, of both at once, with data before and after it that is read or not.
SCENARIO(path_close_orders) {
  for (const int order : {0, 1, 2, 3, 4}) {
    Ready ready(setup);
    Connection& c = *ready.connection;
    talk(c);
    Side& first = order % 2 ? c.client : c.server;
    Side& second = order % 2 ? c.server : c.client;
    if (order >= 2) second.write("SSL_write", "on its way");
    if (order == 4) first.write("SSL_write", "the last");
    first.shutdown();
    exchange(c.client, c.server);
    if (order < 3) second.deliver(0), second.read("SSL_peek", 5);
    second.write("SSL_write", "an answer");
    if (order == 1) second.shutdown();
    exchange(c.client, c.server);
    first.deliver(0);
    first.shutdown();
    first.read("SSL_read", 4);
    first.shutdown();
    settle(c);
    second.shutdown();
    exchange(c.client, c.server);
    settle(c);
    first.shutdown();
  }
}

// What a program may ask and do when so many bytes of two records have come.
SCENARIO(path_half_records) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  for (std::size_t cut = 1; cut < 110; cut += cut < 12 ? 1 : 9) {
    c.client.write("SSL_write", std::string(40, 'a'));
    c.client.write("SSL_write", std::string(40, 'b'));
    exchange(c.client, c.server);
    c.server.deliver(cut);
    for (int i = 0; i < 3; ++i) c.server.read(i == 1 ? "SSL_peek" : "SSL_read_ex", 30);
    c.server.write("SSL_write", "meanwhile");
    c.server.deliver(0);
    c.server.read("SSL_read", 0);
    c.server.read("SSL_peek_ex", 100);
    c.drain(c.server, "SSL_read", 25);
    exchange(c.client, c.server);
    c.drain(c.client);
  }
}

// A byte changed on its way; what both sides make of it, also later.
SCENARIO(path_bad_records) {
  if (setup.chunk && setup.chunk != 7) return;
  for (const char* suite : {suites(setup)[0], suites(setup)[2]})
    for (const int at : {0, 1, 2, 3, 4, 5, 12, 20, -1}) {
      Ready ready(setup, suite);
      Connection& c = *ready.connection;
      talk(c);
      c.client.write("SSL_write", std::string(200, 'a'));
      c.client.write("SSL_write", "the next");
      exchange(c.client, c.server);
      std::string& inbox = c.server.inbox;
      if (inbox.empty()) continue;  // no such suite
      inbox[at < 0 ? inbox.size() - 1 : static_cast<std::size_t>(at)] ^= 0x41;
      if (at == 4) inbox.resize(5 + 16);
      settle(c);
      c.server.write("SSL_write", "after that");
      c.server.shutdown();
      c.client.shutdown();
    }
}

SCENARIO(path_replay) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  std::string first;
  for (int i = 0; i < 4; ++i) {
    c.client.write("SSL_write", "again and again");
    exchange(c.client, c.server);
    if (i == 0) first = c.server.inbox;
    c.drain(c.server);
  }
  c.server.inbox = first + first;
  settle(c);
}

SCENARIO(path_truncated) {
  for (const std::size_t cut : {0, 3, 5, 20}) {
    for (const std::uint64_t option : {std::uint64_t{0}, SSL_OP_IGNORE_UNEXPECTED_EOF}) {
      Ready ready(setup);
      Connection& c = *ready.connection;
      talk(c);
      SSL_set_options(c.server.ssl(), option);
      c.client.write("SSL_write", "cut short");
      exchange(c.client, c.server);
      c.server.inbox.resize(cut);
      while (c.server.deliver(c.chunk)) c.server.read("SSL_read", 10);
      c.server.transport().give_end();
      for (int i = 0; i < 2; ++i) c.server.read("SSL_read", 10);
      c.server.write("SSL_write", "still");
      c.server.shutdown();
    }
  }
}

SCENARIO(path_peeks) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  for (const char* text : {"some bytes to be looked at", "and more of them"}) {
    c.client.write("SSL_write", text);
    exchange(c.client, c.server);
    for (int i = 0; i < 60 && c.server.deliver(c.chunk); ++i) c.server.read("SSL_peek", 5);
    c.server.read("SSL_read", 0);
    for (const char* function : {"SSL_peek", "SSL_read", "SSL_peek_ex", "SSL_read_ex", "SSL_peek", "SSL_peek"})
      c.server.read(function, 7);
    update_key(c.server, SSL_KEY_UPDATE_NOT_REQUESTED);
    c.server.read("SSL_read", 3);
  }
  c.drain(c.server);
  exchange(c.client, c.server);
  settle(c);
}

// The transport is given anew, at a record's end, in the middle of one, and with data that has not been taken.
SCENARIO(path_new_bios) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  const auto attach = [&](Side& side) {
    side.transport().attach(side.ssl());
    Side::say("  fd " + std::to_string((SSL_get_fd(side.ssl()) < 0)) + std::to_string(SSL_get_rbio(side.ssl()) == SSL_get_wbio(side.ssl())));
  };
  talk(c);
  attach(c.client);
  attach(c.server);
  talk(c);
  c.client.write("SSL_write", std::string(100, 'x'));
  exchange(c.client, c.server);
  c.server.deliver(50);
  c.server.read("SSL_read", 10);
  attach(c.server);
  c.server.deliver(0);
  c.server.read("SSL_read", 10);
  attach(c.server);
  c.server.read("SSL_read", 1000);
  SSL_set0_rbio(c.server.ssl(), nullptr);
  c.server.read("SSL_read", 10);
  c.server.write("SSL_write", "one way");
  SSL_set0_wbio(c.server.ssl(), nullptr);
  c.server.write("SSL_write", "no way");
  attach(c.server);
  c.server.write("SSL_write", "no way");
  exchange(c.client, c.server);
  settle(c);
  c.client.shutdown();
  SSL_set_bio(c.client.ssl(), nullptr, nullptr);
  c.client.shutdown();
}

// What the program's own BIOs say of themselves.
SCENARIO(path_bios_are_the_programs) {
  if (setup.transport != "custom" || setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  Queues in, out;
  long bytes = 0;
  BIO* const read = BIO_push(make_counting_filter(bytes), make_queue_bio(in));
  BIO* const write = make_queue_bio(out);
  SSL* const ssl = c.client.ssl();
  BIO_up_ref(read);
  BIO_up_ref(write);
  SSL_set_bio(ssl, read, write);
  const auto look = [&] {
    Side::say("  bios " + std::to_string(SSL_get_rbio(ssl) == read) + std::to_string(SSL_get_wbio(ssl) == write) +
              std::to_string(BIO_next(SSL_get_rbio(ssl)) == BIO_next(read)) + " counted " + std::to_string(bytes) + " numbers " +
              std::to_string(BIO_number_read(read)) + " " + std::to_string(BIO_number_written(write)) + " retry " +
              std::to_string(BIO_get_retry_flags(read)) + " " + std::to_string(BIO_get_retry_flags(write)));
  };
  look();
  c.server.write("SSL_write", "hello");
  in.in = c.server.transport().take();
  c.client.read("SSL_read", 3);
  look();
  c.client.read("SSL_read", 3);
  c.client.read("SSL_read", 3);
  look();
  c.client.write("SSL_write", std::string(20000, 'b'));
  look();
  out.quota = 100;
  c.client.write("SSL_write", std::string(20000, 'b'));
  look();
  SSL_set_bio(ssl, read, read);
  look();
  SSL_set_bio(ssl, nullptr, nullptr);
  BIO_free_all(read);
  BIO_free(write);
}

// Everything that the socket takes a few bytes of at a time, or nothing.
SCENARIO(path_short_writes) {
  if (setup.transport != "custom" || setup.chunk) return;
  for (const long mode : {0L, long{SSL_MODE_ENABLE_PARTIAL_WRITE}, long{SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER},
                          long{SSL_MODE_ENABLE_PARTIAL_WRITE} | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER}) {
    Side::say("mode " + std::to_string(mode));
    Ready ready(setup);
    Connection& c = *ready.connection;
    talk(c);
    SSL_set_mode(c.client.ssl(), mode);
    Queues queues[2];
    Side* const sides[] = {&c.client, &c.server};
    for (int i = 0; i < 2; ++i) {
      BIO* bio = make_queue_bio(queues[i]);
      SSL_set_bio(sides[i]->ssl(), bio, bio);
    }
    const std::string texts[] = {"short", std::string(40000, 'l'), std::string(16384, 'f'), std::string(16385, 'g')};
    for (int round = 0; round < 60; ++round) {
      queues[0].quota = static_cast<std::size_t>(round * round * 37 % 30011);
      const std::string& text = texts[round / 15];
      const int written = c.client.write(round % 2 ? "SSL_write" : "SSL_write_ex", text);
      if (written <= 0 && round % 5 == 0) c.client.read("SSL_read", 10);
      if (written <= 0 && round % 7 == 0) update_key(c.client, SSL_KEY_UPDATE_REQUESTED);
      queues[1].in += std::exchange(queues[0].out, {});
      while (c.server.read("SSL_read", 9000) > 0) {
      }
      if (round % 4 == 0) c.server.write("SSL_write", "back");
      queues[0].in += std::exchange(queues[1].out, {});
    }
    Side::say("  sum " + std::to_string(std::hash<std::string>()(c.server.received)));
    queues[0].quota = 10;
    c.client.write("SSL_write", texts[0]);
    c.client.shutdown();
    queues[0].quota = 100000;
    c.client.shutdown();
    c.client.write("SSL_write", texts[0]);
    c.client.shutdown();
    queues[1].in += std::exchange(queues[0].out, {});
    for (int i = 0; i < 3; ++i) c.server.read("SSL_read", 50000);
    for (Side* side : sides) SSL_set_bio(side->ssl(), nullptr, nullptr);
  }
}

// A write that has not been finished is not repeated as it should be.
SCENARIO(path_bad_write_retries) {
  if (setup.transport != "custom" || setup.chunk) return;
  for (const std::size_t quota : {100, 17000, 33000})
    for (const std::size_t retried : {0, 1, 16384, 39999, 40001}) {
      Ready ready(setup);
      Connection& c = *ready.connection;
      talk(c);
      Queues queues;
      BIO* bio = make_queue_bio(queues);
      SSL_set_bio(c.client.ssl(), bio, bio);
      queues.quota = quota;
      const std::string text(40001, 'r');
      const auto write = [&](const char* from, std::size_t size) {
        c.client.call("SSL_write " + std::to_string(size), [&] { return long{SSL_write(c.client.ssl(), from, static_cast<int>(size))}; });
      };
      write(text.data(), 40000);
      write(text.data(), 40000);
      queues.quota = 100000;
      write(retried == 1 ? text.data() + 1 : text.data(), retried == 1 ? 40000 : retried);
      write(text.data(), 10);
      Side::say("  written " + std::to_string(queues.out.size()));
      c.client.shutdown();
      SSL_set_bio(c.client.ssl(), nullptr, nullptr);
    }
}

// From a certain moment on the program wants to see the records. Of one that comes in pieces the layer shows the header when
// all of it is there.
SCENARIO(path_message_callback) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  const auto callback = [](int sent, int version, int type, const void*, size_t size, SSL*, void*) {
    Side::say("  message " + std::to_string(sent) + " " + std::to_string(version) + " " + std::to_string(type) + " " + std::to_string(size));
  };
  c.client.write("SSL_write", "in between");
  exchange(c.client, c.server);
  c.server.deliver(0);
  c.server.read("SSL_read", 4);
  for (Side* side : {&c.client, &c.server}) SSL_set_msg_callback(side->ssl(), callback);
  c.drain(c.server);
  talk(c);
  update_key(c.client, SSL_KEY_UPDATE_REQUESTED);
  talk(c);
  for (Side* side : {&c.client, &c.server}) SSL_set_msg_callback(side->ssl(), nullptr);
  talk(c);
  close_both(c);
}

// Settings that change how records are made or read, in the middle.
SCENARIO(path_settings) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  SSL_set_max_send_fragment(c.client.ssl(), 512);
  c.transfer(c.client, c.server, 2000);
  SSL_set_block_padding(c.server.ssl(), 256);
  c.transfer(c.server, c.client, 300);
  SSL_set_options(c.server.ssl(), SSL_OP_CLEANSE_PLAINTEXT);
  SSL_set_mode(c.server.ssl(), SSL_MODE_RELEASE_BUFFERS);
  talk(c);
  SSL_set_quiet_shutdown(c.client.ssl(), 1);
  c.client.shutdown();
  c.client.read("SSL_read", 10);
  c.client.write("SSL_write", "quiet");
  SSL_set_shutdown(c.server.ssl(), SSL_RECEIVED_SHUTDOWN);
  c.server.read("SSL_read", 10);
  c.server.write("SSL_write", "one way");
  SSL_set_shutdown(c.server.ssl(), 0);
  talk(c);
}

// Small records, or padded ones, from the beginning.
SCENARIO(path_settings_before) {
  for (const bool pads : {false, true}) {
    Ready ready(setup);
    Connection c(setup, ready.client.get(), ready.server.get());
    for (Side* side : {&c.client, &c.server})
      pads ? SSL_set_block_padding(side->ssl(), 100) : static_cast<int>(SSL_set_max_send_fragment(side->ssl(), 600));
    c.handshake();
    talk(c);
    c.transfer(c.client, c.server, 2000);
    c.transfer(c.server, c.client, 2000);
    update_key(c.client, SSL_KEY_UPDATE_REQUESTED);
    talk(c);
    close_both(c);
  }
}

// An SSL is used again: after SSL_clear, and in another role.
SCENARIO(path_again) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  for (int i = 0; i < 2; ++i) {
    c.client.write("SSL_write", "not read to its end");
    exchange(c.client, c.server);
    c.server.deliver(0);
    c.server.read("SSL_read", 5);
    for (Side* side : {&c.client, &c.server}) {
      if (i) side->shutdown();
      side->call("SSL_clear", [&] { return long{SSL_clear(side->ssl())}; });
    }
    if (i) SSL_set_connect_state(c.client.ssl()), SSL_set_accept_state(c.server.ssl());
    exchange(c.client, c.server);
    for (Side* side : {&c.client, &c.server}) {
      while (side->deliver(0)) {
      }
      side->inbox.clear();
      if (side->transport().unread()) side->transport().attach(side->ssl());
    }
    c.handshake();
    talk(c);
  }
}

SCENARIO(path_references) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  SSL* const ssl = c.client.ssl();
  SSL_up_ref(ssl);
  SSL* const same = SSL_dup(ssl);
  Side::say("  the same " + std::to_string(same == ssl));
  SSL_free(same);
  talk(c);
  SSL_free(ssl);
  talk(c);
}

// From now on a filter BIO calls libssl from inside.
SCENARIO(path_ssl_bio) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  c.client.write("SSL_write", "the rest of this is for the filter");
  exchange(c.client, c.server);
  c.server.deliver(0);
  c.server.read("SSL_read", 9);
  BIO* bio = BIO_new(BIO_f_ssl());
  BIO_set_ssl(bio, c.server.ssl(), BIO_NOCLOSE);
  char bytes[100];
  for (int i = 0; i < 3; ++i) {
    c.server.call("BIO_read", [&] { return long{BIO_read(bio, bytes, sizeof bytes)}; });
    Side::say("  retry " + std::to_string(BIO_get_retry_flags(bio)) + " pending " + std::to_string(BIO_pending(bio)));
    c.server.call("BIO_write", [&] { return long{BIO_write(bio, "hello", 5)}; });
    exchange(c.client, c.server);
    c.drain(c.client);
    c.client.write("SSL_write", "more");
    exchange(c.client, c.server);
    c.server.deliver(0);
  }
  BIO_free(bio);
  c.drain(c.server);
}
