// How a call of the program's is to be carried out.
#ifndef COMPAT_MANNER_H
#define COMPAT_MANNER_H

#include <openssl/ssl.h>

namespace openssl_event::compat {

enum class Manner {
  direct,   // by libssl, on the program's stack; a private-key operation waits for its worker there
  suspend  // on a fiber; a private-key operation is answered by WANT_WRITE or WANT_ASYNC
};

// What a handshake of `ssl` that begins or goes on now shall do. Leaves errno alone.
Manner manner_of(SSL* ssl) noexcept;

// A server is to begin its handshake on a socket that it has not told its epoll of, though the client hello is there, as
// event loops do that try at once what they have accepted. Told to wait for the hello, it tells its epoll, which reports the
// hello; and then the handshake can be suspended. Leaves errno alone.
bool comes_before_its_epoll(SSL* ssl) noexcept;

// Whether libssl, asked to move data, would begin or go on with a handshake, which then belongs on a fiber. `closed`: the flag
// of SSL_get_shutdown with which it fails before all else.
bool handshake_is_due(SSL* ssl, int closed) noexcept;

// A handshake could begin: SSL_set_accept_state or SSL_set_connect_state.
bool has_role(SSL* ssl) noexcept;

// Neither DTLS nor QUIC.
bool is_stream_tls(const SSL* ssl) noexcept;

// That `ssl` writes to; -1: none. Leaves the error queue alone, which SSL_get_wfd does not where there is no BIO.
int writing_fd(const SSL* ssl) noexcept;
// A socket that can be made writable again.
bool is_nonblocking_tcp(int fd) noexcept;

// No key has been made an offloaded one: nothing of this layer's is needed anywhere.
bool nothing_is_offloaded() noexcept;
void note_offloaded_key() noexcept;

}  // namespace openssl_event::compat

#endif
