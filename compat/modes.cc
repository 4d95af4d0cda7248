#include "compat/modes.h"

#include <openssl/err.h>

#include "compat/real.h"
#include "compat/session.h"
#include "compat/settings.h"

using namespace openssl_event::compat;

namespace {

// The mark of a context that is asynchronous is that this index holds anything.
int context_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void set_async(SSL_CTX* ctx, bool on) noexcept { SSL_CTX_set_ex_data(ctx, context_index(), on ? ctx : nullptr); }

bool is_async(SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  return session && session->async();
}

bool is_async(SSL_CTX* ctx) noexcept { return openssl_event::compat::is_async(ctx); }

void set_async(SSL* ssl, bool on) noexcept {
  if (on == is_async(ssl)) return;
  if (Session* session = Session::find_or_make(ssl)) session->set_async(on);
}

// As long as the context lives: a callback without an argument cannot be asked for.
int padding_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void note_padding(SSL_CTX* ctx, bool pads) noexcept {
  if (pads) SSL_CTX_set_ex_data(ctx, padding_index(), ctx);
}

// Both controls get and set the modes of an SSL or of a context; `modes` are bits to be set or cleared.
template <typename Object, typename Control>
long control_modes(Object* object, int command, long modes, Control real) noexcept {
  const bool on = command == SSL_CTRL_MODE;
  if (modes & SSL_MODE_ASYNC) set_async(object, on);
  const long others = real(command, modes & ~long{SSL_MODE_ASYNC});
  return is_async(object) ? others | SSL_MODE_ASYNC : others;
}

bool carries_modes(int command) noexcept {
  return (command == SSL_CTRL_MODE || command == SSL_CTRL_CLEAR_MODE) && settings().offload != Offload::off;
}

// How data is cut into the records that are sent.
bool changes_records(int command) noexcept {
  return command == SSL_CTRL_SET_MAX_SEND_FRAGMENT || command == SSL_CTRL_SET_SPLIT_SEND_FRAGMENT || command == SSL_CTRL_SET_MAX_PIPELINES;
}

int is_not_there() noexcept {
  ERR_raise(ERR_LIB_SSL, ERR_R_UNSUPPORTED);
  return 0;
}

void leave_sending_to_libssl(SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  if (session && session->data_path()) session->data_path()->leave_sending_to_libssl();
}

}  // namespace

bool openssl_event::compat::is_async(SSL_CTX* ctx) noexcept { return SSL_CTX_get_ex_data(ctx, context_index()) != nullptr; }

bool openssl_event::compat::is_padding(const SSL_CTX* ctx) noexcept {
  return SSL_CTX_get_ex_data(ctx, padding_index()) != nullptr;
}

long SSL_ctrl(SSL* ssl, int command, long larg, void* parg) {
  if (ssl && changes_records(command)) leave_sending_to_libssl(ssl);
  const auto real = [=](int c, long l) { return real_SSL_ctrl(ssl, c, l, parg); };
  return ssl && carries_modes(command) ? control_modes(ssl, command, larg, real) : real(command, larg);
}

long SSL_CTX_ctrl(SSL_CTX* ctx, int command, long larg, void* parg) {
  const auto real = [=](int c, long l) { return real_SSL_CTX_ctrl(ctx, c, l, parg); };
  return ctx && carries_modes(command) ? control_modes(ctx, command, larg, real) : real(command, larg);
}

int SSL_waiting_for_async(SSL* ssl) {
  const Session* session = Session::find(ssl);
  return session && session->async() ? session->is_suspended() : real_SSL_waiting_for_async(ssl);
}

int SSL_get_all_async_fds(SSL* ssl, OSSL_ASYNC_FD* fds, size_t* count) {
  const Session* session = Session::find(ssl);
  if (!session || session->async_fd() < 0) return real_SSL_get_all_async_fds(ssl, fds, count);
  *count = 1;
  if (fds) fds[0] = session->async_fd();
  return 1;
}

int SSL_get_changed_async_fds(SSL* ssl, OSSL_ASYNC_FD* added, size_t* added_count, OSSL_ASYNC_FD* deleted, size_t* deleted_count) {
  const Session* session = Session::find(ssl);
  if (!session || session->async_fd() < 0)
    return real_SSL_get_changed_async_fds(ssl, added, added_count, deleted, deleted_count);
  *added_count = session->async_fd_is_new() ? 1 : 0;
  *deleted_count = 0;
  if (added && *added_count) added[0] = session->async_fd();
  return 1;
}

void SSL_CTX_set_record_padding_callback(SSL_CTX* ctx, size_t (*callback)(SSL* ssl, int type, size_t len, void* arg)) {
  note_padding(ctx, callback != nullptr);
  real_SSL_CTX_set_record_padding_callback(ctx, callback);
}

int SSL_CTX_set_block_padding(SSL_CTX* ctx, size_t block_size) {
  note_padding(ctx, block_size > 1);
  return real_SSL_CTX_set_block_padding(ctx, block_size);
}

int SSL_set_record_padding_callback(SSL* ssl, size_t (*callback)(SSL* ssl, int type, size_t len, void* arg)) {
  leave_sending_to_libssl(ssl);
  return real_SSL_set_record_padding_callback(ssl, callback);
}

int SSL_set_block_padding(SSL* ssl, size_t block_size) {
  leave_sending_to_libssl(ssl);
  return real_SSL_set_block_padding(ssl, block_size);
}

// Of libssl 3.4 and newer; older ones take one size for both.
int SSL_CTX_set_block_padding_ex(SSL_CTX* ctx, size_t of_data, size_t of_handshake) {
  if (!real_SSL_CTX_set_block_padding_ex.exists()) return is_not_there();
  note_padding(ctx, of_data > 1);
  return real_SSL_CTX_set_block_padding_ex(ctx, of_data, of_handshake);
}

int SSL_set_block_padding_ex(SSL* ssl, size_t of_data, size_t of_handshake) {
  if (!real_SSL_set_block_padding_ex.exists()) return is_not_there();
  leave_sending_to_libssl(ssl);
  return real_SSL_set_block_padding_ex(ssl, of_data, of_handshake);
}
