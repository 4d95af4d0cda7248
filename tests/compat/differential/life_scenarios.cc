// Scenarios of an SSL's life: roles, shutdown, SSL_clear, SSL_dup, what goes wrong.
#include <openssl/err.h>

#include <utility>

#include "tests/compat/differential/bios.h"
#include "tests/compat/differential/setup.h"

using namespace openssl_event::testing;

namespace {

struct Ready {
  explicit Ready(const Setup& setup, bool set_roles = true)
      : server(server_context(setup)), client(client_context(setup)), connection(setup, client.get(), server.get(), set_roles) {}
  ContextPointer server, client;
  Connection connection;
};

void every_function(Side& side) {
  for (const char* function : {"SSL_read", "SSL_read_ex", "SSL_peek", "SSL_peek_ex"})
    for (const std::size_t size : {0, 10}) side.read(function, size);
  for (const char* function : {"SSL_write", "SSL_write_ex"})
    for (const std::size_t size : {0, 10}) side.write(function, std::string(size, 'z'));
  char byte = 0;
  std::size_t count = 0;
  side.call("SSL_read(-1)", [&] { return long{SSL_read(side.ssl(), &byte, -1)}; });
  side.call("SSL_peek(-1)", [&] { return long{SSL_peek(side.ssl(), &byte, -1)}; });
  side.call("SSL_write(-1)", [&] { return long{SSL_write(side.ssl(), &byte, -1)}; });
  side.shutdown();
  side.call("SSL_key_update", [&] { return long{SSL_key_update(side.ssl(), SSL_KEY_UPDATE_NOT_REQUESTED)}; });
  side.call("SSL_renegotiate", [&] { return long{SSL_renegotiate(side.ssl())}; });
  side.call("SSL_renegotiate_abbreviated", [&] { return long{SSL_renegotiate_abbreviated(side.ssl())}; });
  side.call("SSL_sendfile", [&] { return static_cast<long>(SSL_sendfile(side.ssl(), 0, 0, 10, 0)); });
  side.call("SSL_waiting_for_async", [&] { return long{SSL_waiting_for_async(side.ssl())}; });
  side.call("SSL_get_all_async_fds", [&] { return long{SSL_get_all_async_fds(side.ssl(), nullptr, &count)}; });
  side.call("SSL_verify_client_post_handshake", [&] { return long{SSL_verify_client_post_handshake(side.ssl())}; });
}

}  // namespace

SCENARIO(without_role) {
  Ready ready(setup, false);
  every_function(ready.connection.server);
  ready.connection.server.handshake("SSL_do_handshake");
  every_function(ready.connection.client);
}

SCENARIO(every_function_before_handshake) {
  Ready ready(setup);
  every_function(ready.connection.server);
  every_function(ready.connection.client);
  exchange(ready.connection.client, ready.connection.server);
  ready.connection.server.deliver(0);
  every_function(ready.connection.server);
}

SCENARIO(every_function_after_handshake) {
  Ready ready(setup);
  ready.connection.handshake();
  every_function(ready.connection.server);
  every_function(ready.connection.client);
}

SCENARIO(shutdown_by_client) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.handshake();
  c.transfer(c.server, c.client, 10);
  c.client.shutdown();
  c.client.write("SSL_write", "too late");
  exchange(c.client, c.server);
  c.drain(c.server);
  c.server.read("SSL_read", 10);
  c.server.write("SSL_write", "still open");
  c.server.shutdown();
  exchange(c.client, c.server);
  c.drain(c.client);
  c.client.shutdown();
}

SCENARIO(shutdown_by_both) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.handshake();
  c.client.shutdown();
  c.server.shutdown();
  for (int i = 0; i < 3; ++i) {
    exchange(c.client, c.server);
    for (Side* side : {&c.client, &c.server}) {
      side->deliver(0);
      side->shutdown();
    }
  }
}

SCENARIO(shutdown_in_handshake) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.client.handshake("SSL_do_handshake");
  c.client.shutdown();
  exchange(c.client, c.server);
  c.server.deliver(0);
  c.server.handshake("SSL_do_handshake");
  c.server.shutdown();
}

SCENARIO(shutdown_flags) {
  Ready ready(setup);
  Connection& c = ready.connection;
  SSL_set_quiet_shutdown(c.client.ssl(), 1);
  SSL_set_shutdown(c.server.ssl(), SSL_RECEIVED_SHUTDOWN);
  c.server.read("SSL_read", 10);
  c.server.write("SSL_write", "x");
  SSL_set_shutdown(c.server.ssl(), SSL_SENT_SHUTDOWN);
  c.server.write("SSL_write", "x");
  c.server.write("SSL_write_ex", "x");
  SSL_set_shutdown(c.server.ssl(), 0);
  c.handshake();
  c.client.shutdown();
  c.client.shutdown();
  SSL_set_shutdown(c.server.ssl(), SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  every_function(c.server);
}

SCENARIO(clear_and_reuse) {
  Ready ready(setup);
  Connection& c = ready.connection;
  for (int i = 0; i < 3; ++i) {
    c.handshake();
    c.transfer(c.client, c.server, 20);
    c.drain(c.client);
    if (i == 1) {
      c.client.shutdown();
      c.server.shutdown();
      exchange(c.client, c.server);
      c.drain(c.client);
      c.drain(c.server);
    }
    for (Side* side : {&c.client, &c.server}) {
      side->call("SSL_clear", [&] { return long{SSL_clear(side->ssl())}; });
      side->read("SSL_read", 10);
    }
    exchange(c.client, c.server);
  }
}

SCENARIO(clear_in_handshake) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.client.handshake("SSL_do_handshake");
  exchange(c.client, c.server);
  c.client.call("SSL_clear", [&] { return long{SSL_clear(c.client.ssl())}; });
  c.server.inbox.clear();
  c.handshake();
}

SCENARIO(dup_and_references) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = ready.connection;
  Side copy("copy", SSL_dup(c.server.ssl()), make_transport(setup.transport));
  Side::say("  same " + std::to_string(copy.ssl() == c.server.ssl()) + " server " + std::to_string(SSL_is_server(copy.ssl())));
  copy.handshake("SSL_do_handshake");
  SSL_up_ref(c.client.ssl());
  c.handshake();
  SSL* in_use = SSL_dup(c.server.ssl());
  Side::say("  same " + std::to_string(in_use == c.server.ssl()));
  SSL_free(in_use);
  SSL_free(c.client.ssl());
  c.transfer(c.client, c.server, 10);
}

SCENARIO(set_state_again) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.client.handshake("SSL_do_handshake");
  exchange(c.client, c.server);
  SSL_set_connect_state(c.client.ssl());
  SSL_set_accept_state(c.server.ssl());
  c.handshake();
}

SCENARIO(end_of_transport) {
  for (const int when : {0, 1, 2}) {
    Ready ready(setup);
    Connection& c = ready.connection;
    if (when == 2) c.handshake();
    if (when == 1) {
      c.client.handshake("SSL_do_handshake");
      exchange(c.client, c.server);
      c.server.inbox.resize(c.server.inbox.size() / 2);
      c.server.deliver(0);
    }
    c.server.transport().give_end();
    c.server.handshake("SSL_do_handshake");
    c.server.read("SSL_read", 10);
    c.server.read("SSL_read_ex", 10);
    c.server.write("SSL_write", "x");
    c.server.shutdown();
  }
}

SCENARIO(garbage) {
  for (const char* bytes : {"GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01\x40\x01zz", "\x15\x03\x03\x00\x02\x02\x28", "\x80\x2e\x01\x00\x02"}) {
    Ready ready(setup);
    Connection& c = ready.connection;
    c.server.inbox = bytes;
    for (int i = 0; i < 40 && c.server.deliver(setup.chunk); ++i) c.server.handshake("SSL_accept");
    every_function(c.server);
    exchange(c.client, c.server);
  }
}

SCENARIO(damaged_record) {
  Ready ready(setup);
  Connection& c = ready.connection;
  c.handshake();
  c.client.write("SSL_write", "to be damaged");
  exchange(c.client, c.server);
  if (c.server.inbox.empty()) return;  // still in a buffer BIO
  c.server.inbox.back() ^= 1;
  c.drain(c.server);
  every_function(c.server);
  exchange(c.client, c.server);
  c.drain(c.client);
}

// A BIO that takes a few bytes at a time: WANT_WRITE in the middle of flights and records.
SCENARIO(short_writes) {
  if (setup.transport != "custom" || setup.chunk) return;
  Ready ready(setup);
  Queues queues[2];
  Side* const sides[] = {&ready.connection.client, &ready.connection.server};
  for (int i = 0; i < 2; ++i) {
    BIO* bio = make_queue_bio(queues[i]);
    SSL_set_bio(sides[i]->ssl(), bio, bio);
    queues[i].quota = 0;
  }
  for (int round = 0; round < 400; ++round)
    for (int i = 0; i < 2; ++i) {
      queues[i].quota = 17;
      queues[i].in += std::exchange(queues[1 - i].out, {});
      if (SSL_in_init(sides[i]->ssl()))
        sides[i]->handshake("SSL_do_handshake");
      else if (sides[i]->write("SSL_write", "a record that does not fit into the quota") > 0)
        sides[i]->read("SSL_read", 1000);
    }
  for (Side* side : sides) SSL_set_bio(side->ssl(), nullptr, nullptr);
}
