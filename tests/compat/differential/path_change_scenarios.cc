// Scenarios of a program that changes, in the middle of data, what the data goes by: BIOs, callbacks, settings, the
// SSL.
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include <utility>

#include "tests/compat/differential/bios.h"
#include "tests/compat/differential/path_setup.h"

using namespace openssl_event::testing;

// The transport is given anew, at a record's end, in the middle of one, and with data that has not been taken.
SCENARIO(path_new_bios) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  const auto attach = [&](Side& side) {
    side.transport().attach(side.ssl());
    Side::say("  fd " + std::to_string((SSL_get_fd(side.ssl()) < 0)) +
              std::to_string(SSL_get_rbio(side.ssl()) == SSL_get_wbio(side.ssl())));
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

// What has been read from a BIO outlives it.
SCENARIO(path_no_bio) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  c.client.write("SSL_write", "more than is read at once");
  exchange(c.client, c.server);
  c.server.deliver(0);
  c.server.read("SSL_read", 4);
  SSL_set_bio(c.server.ssl(), nullptr, nullptr);
  c.server.read("SSL_peek", 10);
  for (int i = 0; i < 3; ++i) c.server.read("SSL_read", 15);
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
              std::to_string(BIO_next(SSL_get_rbio(ssl)) == BIO_next(read)) + " counted " + std::to_string(bytes) +
              " numbers " + std::to_string(BIO_number_read(read)) + " " + std::to_string(BIO_number_written(write)) +
              " retry " + std::to_string(BIO_get_retry_flags(read)) + " " + std::to_string(BIO_get_retry_flags(write)));
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
        c.client.call("SSL_write " + std::to_string(size),
                      [&] { return long{SSL_write(c.client.ssl(), from, static_cast<int>(size))}; });
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

// From a certain moment on the program wants to see the records. Of one that comes in pieces the layer shows the header
// when all of it is there.
// From 3.2 on libssl tells it of records only if there was one when their keys were made: there is one under the layer.
SCENARIO(path_message_callback) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  const auto callback = [](int sent, int version, int type, const void*, size_t size, SSL*, void*) {
    if (OPENSSL_VERSION_NUMBER >= 0x30200000L && (type == SSL3_RT_HEADER || type == SSL3_RT_INNER_CONTENT_TYPE)) return;
    Side::say("  message " + std::to_string(sent) + " " + std::to_string(version) + " " + std::to_string(type) + " " +
              std::to_string(size));
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
    talk(*ready.connection);
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

// A write that has only waited for the handshake is given up, and the next one is longer.
SCENARIO(path_write_before_the_handshake) {
  Ready ready(setup);
  Connection c(setup, ready.client.get(), ready.server.get());
  c.client.write("SSL_write", "x");
  c.handshake();
  for (int i = 0; i < 2; ++i) {
    c.client.write("SSL_write", "one record, not two");
    exchange(c.client, c.server);
    c.drain(c.server);
  }
}

// Padding is asked for on the context; small records are left alone.
SCENARIO(path_padding_context) {
  if (setup.chunk) return;
  for (const int way : {0, 1, 2}) {
    Ready ready(setup);
    talk(*ready.connection);
    SSL_CTX* const ctx = ready.client.get();
    if (way == 0) SSL_CTX_set_block_padding(ctx, 2);
    if (way > 0)
      SSL_CTX_set_record_padding_callback(
          ctx, [](SSL*, int, size_t size, void*) { return size > 16 ? 256 - size % 256 : size_t{0}; });
    if (way == 2) SSL_CTX_set_record_padding_callback_arg(ctx, &ready);
    Connection c(setup, ready.client.get(), ready.server.get());
    c.handshake();
    for (const std::size_t size : {1, 2, 5, 6, 100}) {
      c.client.write("SSL_write", std::string(size, 'p'));
      exchange(c.client, c.server);
      Side::say("  on the wire " + std::to_string(c.server.inbox.size()));
      c.drain(c.server);
    }
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

// The program's library context has the algorithms, and the default one has none.
SCENARIO(path_library_context) {
  if (setup.chunk) return;
  OSSL_LIB_CTX* const library = OSSL_LIB_CTX_new();
  OSSL_PROVIDER* const provider = OSSL_PROVIDER_load(library, "default");
  {
    ContextPointer server(SSL_CTX_new_ex(library, nullptr, TLS_server_method()));
    ContextPointer client(SSL_CTX_new_ex(library, nullptr, TLS_client_method()));
    use_key_files(server.get(), setup);
    for (SSL_CTX* ctx : {server.get(), client.get()}) {
      SSL_CTX_set_max_proto_version(ctx, setup.version);
      SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    }
    Connection c(setup, client.get(), server.get());
    c.handshake();
    EVP_set_default_properties(nullptr, "provider=none");
    c.server.read("SSL_read", 10);
    c.client.write("SSL_write", "some text");
    talk(c);
    EVP_set_default_properties(nullptr, "");
  }
  OSSL_PROVIDER_unload(provider);
  OSSL_LIB_CTX_free(library);
  talk(*Ready(setup).connection);
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

// Whose BIO_reset is an SSL_clear that libssl may keep to itself.
SCENARIO(path_ssl_bio_reset) {
  if (setup.chunk) return;
  Ready ready(setup);
  Connection& c = *ready.connection;
  talk(c);
  BIO* bio = BIO_new(BIO_f_ssl());
  BIO_set_ssl(bio, c.server.ssl(), BIO_NOCLOSE);
  for (int i = 0; i < 2; ++i) {
    c.server.call("BIO_reset", [&] { return long{BIO_reset(bio)}; });
    exchange(c.client, c.server);
    c.client.deliver(0);
    c.client.read("SSL_read", 10);
    c.client.call("SSL_clear", [&] { return long{SSL_clear(c.client.ssl())}; });
    c.handshake();
    talk(c);
  }
  BIO_free(bio);
  talk(c);
}
