#include "compat/observers.h"

#include "compat/offload_context.h"
#include "compat/real.h"
#include "compat/session.h"
#include "compat/settings.h"
#include "openssl_event/key_capture.h"

namespace openssl_event::compat {
namespace {

// The mark of a context with a message callback is that this index holds anything.
int context_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

void set_keylog(SSL_CTX* ctx, SSL_CTX_keylog_cb_func callback) { real_SSL_CTX_set_keylog_callback(ctx, callback); }
SSL_CTX_keylog_cb_func get_keylog(const SSL_CTX* ctx) { return real_SSL_CTX_get_keylog_callback(ctx); }

// The program's own callback takes the place of the layer's.
void message_callback_is_set(SSL* ssl) noexcept {
  const Session* session = Session::find(ssl);
  if (session && session->data_path()) session->data_path()->leave_to_libssl();
}

void message_callback_is_set(SSL_CTX* ctx, bool is_set) noexcept {
  SSL_CTX_set_ex_data(ctx, context_index(), is_set ? ctx : nullptr);
}

// Without one the layer's may stay.
bool leaves_the_layers(const SSL* ssl, bool sets_one) noexcept {
  const Session* session = Session::find(ssl);
  return !sets_one && session && session->data_path() && session->data_path()->is_watching();
}

}  // namespace

bool has_message_callback(const SSL_CTX* ctx) noexcept { return SSL_CTX_get_ex_data(ctx, context_index()) != nullptr; }

void prepare_keylog(SSL_CTX* ctx) noexcept {
  static const bool uses_real = (use_keylog_functions({set_keylog, get_keylog}), true);
  if (uses_real && settings().record_path != RecordsTaken::off && is_stream_tls(SSL_CTX_get_ssl_method(ctx))) prepare_context(ctx);
}

}  // namespace openssl_event::compat

using namespace openssl_event;
using namespace openssl_event::compat;

void SSL_CTX_set_keylog_callback(SSL_CTX* ctx, SSL_CTX_keylog_cb_func callback) {
  if (!set_next_keylog(ctx, callback)) real_SSL_CTX_set_keylog_callback(ctx, callback);
}

SSL_CTX_keylog_cb_func SSL_CTX_get_keylog_callback(const SSL_CTX* ctx) {
  return is_prepared(ctx) ? next_keylog(ctx) : real_SSL_CTX_get_keylog_callback(ctx);
}

void SSL_CTX_set_msg_callback(SSL_CTX* ctx, void (*callback)(int, int, int, const void*, size_t, SSL*, void*)) {
  message_callback_is_set(ctx, callback != nullptr);
  real_SSL_CTX_set_msg_callback(ctx, callback);
}

void SSL_set_msg_callback(SSL* ssl, void (*callback)(int, int, int, const void*, size_t, SSL*, void*)) {
  if (leaves_the_layers(ssl, callback != nullptr)) return;
  if (callback) message_callback_is_set(ssl);
  real_SSL_set_msg_callback(ssl, callback);
}

long SSL_CTX_callback_ctrl(SSL_CTX* ctx, int command, void (*callback)(void)) {
  if (command == SSL_CTRL_SET_MSG_CALLBACK) message_callback_is_set(ctx, callback != nullptr);
  return real_SSL_CTX_callback_ctrl(ctx, command, callback);
}

long SSL_callback_ctrl(SSL* ssl, int command, void (*callback)(void)) {
  if (command == SSL_CTRL_SET_MSG_CALLBACK) {
    if (leaves_the_layers(ssl, callback != nullptr)) return 1;
    if (callback) message_callback_is_set(ssl);
  }
  return real_SSL_callback_ctrl(ssl, command, callback);
}

// What libssl has to send before data, which its other functions show.
int SSL_new_session_ticket(SSL* ssl) {
  const Session* session = Session::find(ssl);
  if (session && session->data_path()) session->data_path()->let_libssl_write_next();
  return real_SSL_new_session_ticket(ssl);
}
