// Scenarios of data after a handshake, where the layer seals and opens records itself, and of what comes between.
#include "tests/compat/differential/bios.h"
#include "tests/compat/differential/path_setup.h"

using namespace openssl_event::testing;

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

// The first thing after the handshake is a close_notify of which so much leaves.
SCENARIO(path_blocked_close) {
  if (setup.transport != "custom" || setup.chunk) return;
  talk(*Ready(setup).connection);
  for (const std::size_t quota : {0, 1, 10, 22}) {
    Ready ready(setup);
    Connection& c = *ready.connection;
    Queues queues;
    BIO* const bio = make_queue_bio(queues);
    SSL_set_bio(c.client.ssl(), bio, bio);
    queues.quota = quota;
    c.client.shutdown();
    c.client.read("SSL_read", 10);
    queues.quota = 1000;
    c.client.shutdown();
    c.server.inbox += queues.out;
    for (int i = 0; i < 2; ++i) {
      c.server.deliver(0);
      c.server.read("SSL_read", 10);
    }
    c.server.shutdown();
    SSL_set_bio(c.client.ssl(), nullptr, nullptr);
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

// libssl reads alone then, and only what is sent is sealed by the layer.
SCENARIO(path_read_ahead) {
  Ready ready(setup);
  talk(*ready.connection);
  for (SSL_CTX* ctx : {ready.server.get(), ready.client.get()}) SSL_CTX_set_read_ahead(ctx, 1);
  Connection c(setup, ready.client.get(), ready.server.get());
  c.handshake();
  talk(c);
  for (int i = 0; i < 3; ++i) c.client.write("SSL_write", "several records at a time");
  c.server.write("SSL_write", std::string(setup.chunk ? 50 : 30000, 'b'));
  exchange(c.client, c.server);
  c.drain(c.server, "SSL_read", 10);
  c.drain(c.client);
  for (const int type : {SSL_KEY_UPDATE_REQUESTED, SSL_KEY_UPDATE_NOT_REQUESTED}) {
    update_key(c.client, type);
    talk(c);
    talk(c);
  }
  c.server.write("SSL_write", "the last");
  close_both(c);
}

// libssl says whether its buffers hold anything: of a header, of a body, or of what the program has not read.
SCENARIO(path_buffers) {
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  const auto free_and_allocate = [&](Side& side) {
    side.call("SSL_free_buffers", [&] { return long{SSL_free_buffers(side.ssl())}; });
    side.call("SSL_alloc_buffers", [&] { return long{SSL_alloc_buffers(side.ssl())}; });
    side.call("SSL_free_buffers", [&] { return long{SSL_free_buffers(side.ssl())}; });
  };
  for (int i = 0; i < 3; ++i) {
    free_and_allocate(c.client);
    c.client.write("SSL_write", "to be read in portions");
    free_and_allocate(c.client);
    exchange(c.client, c.server);
    while (c.server.deliver(setup.chunk)) {
      c.server.read("SSL_read", 5);
      free_and_allocate(c.server);
    }
    c.drain(c.server, "SSL_read", 5);
    free_and_allocate(c.server);
  }
}
