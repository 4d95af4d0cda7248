#include "openssl_event/key_capture.h"

#include <openssl/crypto.h>
#include <openssl/err.h>

#include <cstring>
#include <new>

#include "openssl_event/openssl_event.h"
#include "openssl_event/record_keys.h"

namespace openssl_event {
namespace {

KeylogFunctions libssl = {SSL_CTX_set_keylog_callback, SSL_CTX_get_keylog_callback};

// What the application had set; kept by the SSL_CTX.
struct Previous {
  SSL_CTX_keylog_cb_func callback;
};

void free_previous(void*, void* previous, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Previous*>(previous);
}

int context_index() noexcept {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_previous);
  return index;
}

// SSL_dup() copies what is here, so it says whose it is.
struct Listening {
  const SSL* ssl;
  KeyListener* listener;
};

void free_listening(void*, void* listening, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Listening*>(listening);
}
int keep_own(CRYPTO_EX_DATA* copy, const CRYPTO_EX_DATA*, void** listening, int index, long, void*) {
  *listening = CRYPTO_get_ex_data(copy, index);
  return 1;
}

int ssl_index() noexcept {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, keep_own, free_listening);
  return index;
}

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool parse_hex(const char* text, TrafficSecret& secret) noexcept {
  for (secret.size = 0; secret.size < TrafficSecret::kLargest; ++secret.size, text += 2) {
    const int high = hex_value(text[0]);
    const int low = high < 0 ? -1 : hex_value(text[1]);
    if (low < 0) break;
    secret.bytes[secret.size] = static_cast<unsigned char>(high << 4 | low);
  }
  return secret.size > 0;
}

// After "CLIENT_" or "SERVER_": "TRAFFIC_SECRET_0" for the first one, "TRAFFIC_SECRET_N" for each that follows.
constexpr char kTrafficSecret[] = "_TRAFFIC_SECRET_";
constexpr std::size_t kSideSize = 6;

// "SERVER_TRAFFIC_SECRET_0 <client random> <secret>", in hex.
void take_line(KeyListener& listener, const char* line) noexcept {
  const bool of_server = std::strncmp(line, "SERVER", kSideSize) == 0;
  if (!of_server && std::strncmp(line, "CLIENT", kSideSize) != 0) return;
  if (std::strncmp(line + kSideSize, kTrafficSecret, sizeof kTrafficSecret - 1) != 0) return;
  const char* text = std::strrchr(line, ' ');
  TrafficSecret secret;
  if (text && parse_hex(text + 1, secret)) listener.traffic_secret(of_server, secret.bytes, secret.size);
}

void keylog(const SSL* ssl, const char* line) noexcept {
  const auto* listening = static_cast<const Listening*>(SSL_get_ex_data(ssl, ssl_index()));
  if (listening && listening->ssl == ssl && listening->listener) take_line(*listening->listener, line);
  const auto* previous = static_cast<const Previous*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), context_index()));
  if (previous && previous->callback) previous->callback(ssl, line);
}

}  // namespace

bool is_prepared(const SSL_CTX* context) noexcept {
  return context && libssl.get(context) == keylog && SSL_CTX_get_ex_data(context, context_index());
}

bool prepare_context(SSL_CTX* context) noexcept {
  if (is_prepared(context)) return true;
  auto* previous = static_cast<Previous*>(SSL_CTX_get_ex_data(context, context_index()));
  if (!previous) {
    previous = new (std::nothrow) Previous;
    if (!previous || !SSL_CTX_set_ex_data(context, context_index(), previous)) {
      delete previous;
      ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
      return false;
    }
  }
  previous->callback = libssl.get(context);
  libssl.set(context, keylog);
  return true;
}

bool set_next_keylog(SSL_CTX* context, SSL_CTX_keylog_cb_func callback) noexcept {
  if (!is_prepared(context)) return false;
  static_cast<Previous*>(SSL_CTX_get_ex_data(context, context_index()))->callback = callback;
  return true;
}

SSL_CTX_keylog_cb_func next_keylog(const SSL_CTX* context) noexcept {
  return static_cast<const Previous*>(SSL_CTX_get_ex_data(context, context_index()))->callback;
}

void use_keylog_functions(const KeylogFunctions& functions) noexcept { libssl = functions; }

bool listen_to_keys(SSL* ssl, KeyListener* listener) noexcept {
  auto* listening = static_cast<Listening*>(SSL_get_ex_data(ssl, ssl_index()));
  if (!listening) {
    listening = new (std::nothrow) Listening{ssl, nullptr};
    if (!listening || !SSL_set_ex_data(ssl, ssl_index(), listening)) {
      delete listening;
      return false;
    }
  }
  listening->listener = listener;
  return true;
}

void stop_listening_to_keys(SSL* ssl, const KeyListener* listener) noexcept {
  auto* listening = static_cast<Listening*>(SSL_get_ex_data(ssl, ssl_index()));
  if (listening && listening->listener == listener) listening->listener = nullptr;
}

}  // namespace openssl_event

int openssl_prepareContext(SSL_CTX* context) { return openssl_event::prepare_context(context); }
