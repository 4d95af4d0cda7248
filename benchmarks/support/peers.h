// The two kinds of endpoint that are compared, and the memory between them that stands for the network.
#ifndef BENCHMARKS_SUPPORT_PEERS_H
#define BENCHMARKS_SUPPORT_PEERS_H

#include <cstring>
#include <vector>

#include "benchmarks/support/credentials.h"
#include "benchmarks/support/samples.h"
#include "openssl_event/openssl_event.h"

namespace benchmarks {

// Bytes on their way.
struct Wire {
  explicit Wire(std::size_t size = 32 * 1024) : bytes(size) {}

  std::vector<char> bytes;
  std::size_t len = 0;

  char* end() { return bytes.data() + len; }
  std::size_t room() const { return bytes.size() - len; }
  void append(const void* data, std::size_t size) {
    require(size <= room(), "having room on the wire");
    std::memcpy(end(), data, size);
    len += size;
  }
  void clear() { len = 0; }
};

// libssl as it is used without sockets: SSL_* and two memory BIOs.
class PlainPeer {
 public:
  explicit PlainPeer(SSL_CTX* context, bool server = false);
  PlainPeer(PlainPeer&&) = default;

  SSL* ssl() const { return ssl_.get(); }
  BIO* in() const { return in_; }
  BIO* out() const { return out_; }
  bool done() const { return SSL_is_init_finished(ssl_.get()); }

  // Takes what is on `from`, does what can be done of the handshake, adds the answer to `to`. Each library call is made
  // by `call`.
  template <class Call = Untimed>
  void handshake(Wire& from, Wire& to, Call&& call = {}) {
    if (from.len) require(call([&] { return BIO_write(in_, from.bytes.data(), static_cast<int>(from.len)); }) > 0, "BIO_write");
    from.clear();
    const int value = call([&] { return SSL_do_handshake(ssl_.get()); });
    require(value > 0 || SSL_get_error(ssl_.get(), value) == SSL_ERROR_WANT_READ, "SSL_do_handshake");
    take(to, call);
  }

  template <class Call = Untimed>
  void take(Wire& to, Call&& call = {}) {
    const int size = call([&] { return BIO_read(out_, to.end(), static_cast<int>(to.room())); });
    if (size > 0) to.len += static_cast<std::size_t>(size);
  }

  // A record of `size` bytes, added to `to`.
  void write(const char* data, std::size_t size, Wire& to);
  // Takes what is on `from`; returns how many bytes of cleartext it brought.
  std::size_t read(Wire& from);

 private:
  std::unique_ptr<SSL, FreeOpenssl> ssl_;
  BIO* in_;
  BIO* out_;
};

// The event API, used as an application would that has no time to lose: network input is read into the machine's own
// space, output is sent from where it lies.
class Machine {
 public:
  explicit Machine(SSL_CTX* context, bool server = true);

  openssl_t* get() const { return tls_.get(); }

  // As PlainPeer::handshake. execute(event) disposes of each ENGINE_CALL_OUT and LOOKUP_OUT.
  template <class Execute, class Call = Untimed>
  void handshake(Wire& from, Wire& to, Execute&& execute, Call&& call = {}) {
    receive(from, call);
    pump(to, execute, call);
  }

  // From the wire into RECORD_INs that are put.
  template <class Call = Untimed>
  void receive(Wire& from, Call&& call = {}) {
    for (std::size_t taken = 0; taken < from.len;) {
      std::size_t room = 0;
      char* space = call([&] { return openssl_inputSpace(get(), &room); });
      require(space != nullptr, "openssl_inputSpace");
      if (room > from.len - taken) room = from.len - taken;
      std::memcpy(space, from.bytes.data() + taken, room);
      taken += room;
      call([&] { return openssl_inputFilled(get(), room); });
      while (OPENSSL_EVENT* e = call([&] { return openssl_nextFrame(get()); }))
        call([&] { return openssl_putEvent(get(), e); });
    }
    from.clear();
  }

  // Everything that the machine can do now.
  template <class Execute, class Call = Untimed>
  void pump(Wire& to, Execute&& execute, Call&& call = {}) {
    while (OPENSSL_EVENT* e = call([&] { return openssl_getEvent(get()); })) {
      switch (e->kind) {
        case OPENSSL_ENGINE_CALL_OUT_KIND:
        case OPENSSL_LOOKUP_OUT_KIND: execute(e); break;
        case OPENSSL_RECORD_OUT_KIND: call([&] { return openssl_queueRecord(get(), e); }); break;
        case OPENSSL_STATUS_OUT_KIND: note(e->s);  // fall through
        case OPENSSL_CLEARTEXT_OUT_KIND: call([&] { return openssl_putEvent(get(), e); }); break;
        default: call([&] { return openssl_freeEvent(e); });
      }
    }
    send(to, call);
  }

  template <class Call = Untimed>
  void send(Wire& to, Call&& call = {}) {
    iovec slices[16];
    while (const int count = call([&] { return openssl_gather(get(), slices, 16); })) {
      std::size_t sent = 0;
      for (int i = 0; i < count; ++i) {
        to.append(slices[i].iov_base, slices[i].iov_len);
        sent += slices[i].iov_len;
      }
      call([&] { return openssl_markSent(get(), sent); });
    }
  }

  bool done() const { return done_; }

 private:
  struct Free {
    void operator()(openssl_t* tls) const { openssl_free(tls); }
  };
  void note(const OPENSSL_STATUS& status);

  std::unique_ptr<openssl_t, Free> tls_;
  bool done_ = false;
};

// Executes a call at once, in this thread.
struct InPlace {
  openssl_t* tls;
  void operator()(OPENSSL_EVENT* e) const {
    e->e.engine->call(e);
    openssl_putEvent(tls, e);
  }
};

// Whole handshakes with a plain client.
void connect(PlainPeer& client, PlainPeer& server);
void connect(PlainPeer& client, Machine& server);

// What a new client of `context` says first.
Wire client_hello(SSL_CTX* context);

}  // namespace benchmarks

#endif
