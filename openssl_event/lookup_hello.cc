// The questions about a ClientHello: whether to go on, with which certificate, with which protocol.
#include <openssl/err.h>

#include <algorithm>
#include <cstring>

#include "openssl_event/client_hello.h"
#include "openssl_event/error_queue.h"
#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {
namespace {

// SSL_client_hello_get1_extensions_present's list.
struct Types {
  int* list = nullptr;
  std::size_t count = 0;
  ~Types() { OPENSSL_free(list); }
};

// Appends to a storage that is large enough.
class Writer {
 public:
  explicit Writer(Bytes& storage) noexcept : next_(storage.data()) {}
  const unsigned char* write(const unsigned char* data, std::size_t size) noexcept {
    if (size) std::memcpy(next_, data, size);
    next_ += size;
    return next_ - size;
  }

 private:
  unsigned char* next_;
};

constexpr std::size_t kRandom = 32;

bool set_alert(int* alert, const Reply& reply) noexcept {
  *alert = reply.answer() == Answer::alert ? reply.alert() : SSL_AD_INTERNAL_ERROR;
  return false;
}

}  // namespace

bool HelloQuestion::fill(SSL* ssl) noexcept {
  HelloTap* tap = Connection::of(ssl)->hello_tap();
  const bool whole = tap && tap->size() > 0 && fill_from(*tap);
  if (!whole) clear_errors();
  const bool filled = whole || fill_from_libssl(ssl);
  if (tap) tap->forget();
  return filled;
}

bool HelloQuestion::fill_from(const HelloTap& tap) noexcept {
  if (!storage.copy(tap.message(), tap.size())) return false;
  std::size_t total = 0;
  parse_client_hello(storage.data(), storage.size(), hello, nullptr, 0, name, total);
  extensions.reset(new (std::nothrow) OPENSSL_EXTENSION[total + 1]);
  if (!extensions) ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  return extensions && parse_client_hello(storage.data(), storage.size(), hello, extensions.get(), total, name, total);
}

bool HelloQuestion::fill_from_libssl(SSL* ssl) noexcept {
  hello = {};
  Types types;
  if (!SSL_client_hello_get1_extensions_present(ssl, &types.list, &types.count)) return false;
  const unsigned char *random, *id, *suites, *data;
  std::size_t id_size = SSL_client_hello_get0_session_id(ssl, &id);
  std::size_t suites_size = SSL_client_hello_get0_ciphers(ssl, &suites);
  SSL_client_hello_get0_random(ssl, &random);
  std::size_t total = kRandom + id_size + suites_size, size;
  for (std::size_t i = 0; i < types.count; ++i)
    if (SSL_client_hello_get0_ext(ssl, static_cast<unsigned>(types.list[i]), &data, &size)) total += size;
  extensions.reset(new (std::nothrow) OPENSSL_EXTENSION[types.count + 1]);
  if (!extensions) ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  if (!extensions || !storage.reserve(total)) return false;

  Writer writer(storage);
  hello.legacy_version = SSL_client_hello_get0_legacy_version(ssl);
  hello.random = writer.write(random, kRandom);
  hello.session_id = writer.write(id, hello.session_id_len = id_size);
  hello.cipher_suites = writer.write(suites, hello.cipher_suites_len = suites_size);
  for (std::size_t i = 0; i < types.count; ++i) {
    const auto type = static_cast<unsigned>(types.list[i]);
    if (!SSL_client_hello_get0_ext(ssl, type, &data, &size)) continue;
    extensions[hello.extension_count++] = {type, writer.write(data, size), size};
  }
  hello.extensions = extensions.get();
  read_extensions(hello, name);
  return true;
}

int client_hello_asked(SSL* ssl, int* alert, void*) noexcept {
  const Reply reply = ask<HelloQuestion>(ssl, [ssl](HelloQuestion& question) { return question.fill(ssl); });
  if (reply.is_default() || reply.answer() == Answer::accept) return SSL_CLIENT_HELLO_SUCCESS;
  set_alert(alert, reply);
  return SSL_CLIENT_HELLO_ERROR;
}

namespace {

bool use(SSL* ssl, const CertificateQuestion& answer) noexcept {
  if (answer.context) return SSL_set_SSL_CTX(ssl, answer.context.get()) != nullptr;
  SSL_certs_clear(ssl);  // else libssl might prefer one of another key type
  return SSL_use_cert_and_key(ssl, answer.certificate.get(), answer.key.get(), answer.chain.get(), 1);
}

}  // namespace

// libssl asks also if the client has sent no name.
int certificate_asked(SSL* ssl, int* alert, void*) noexcept {
  if (!SSL_is_server(ssl)) return SSL_TLSEXT_ERR_OK;
  Reply reply = ask<CertificateQuestion>(ssl, [ssl](CertificateQuestion& question) {
    question.operands.resumed = SSL_session_reused(ssl);
    return true;
  });
  switch (reply.answer()) {
    case Answer::unasked:
    case Answer::by_default:
    case Answer::missing:
    case Answer::failed:
    case Answer::none:
      return SSL_TLSEXT_ERR_NOACK;
    case Answer::value:
      if (use(ssl, reply.as<CertificateQuestion>())) return SSL_TLSEXT_ERR_OK;
      break;
    case Answer::accept:
    case Answer::alert:
    case Answer::cancelled:
      break;
  }
  set_alert(alert, reply);
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

bool AlpnQuestion::fill(const unsigned char* protocols, std::size_t size) noexcept {
  if (!offered.copy(protocols, size)) return false;
  operands = {offered.data(), size};
  return true;
}

// libssl has checked that the lengths in the list fill it.
std::size_t AlpnQuestion::find(const unsigned char* protocol, std::size_t size) const noexcept {
  const unsigned char* list = offered.data();
  std::size_t at = 0;
  while (at < offered.size() && (list[at] != size || std::memcmp(list + at + 1, protocol, size) != 0))
    at += 1u + list[at];
  return std::min(at, offered.size());
}

int alpn_asked(SSL* ssl, const unsigned char** out, unsigned char* out_size, const unsigned char* in, unsigned in_size,
               void*) noexcept {
  Reply reply = ask<AlpnQuestion>(ssl, [=](AlpnQuestion& question) { return question.fill(in, in_size); });
  switch (reply.answer()) {
    case Answer::unasked:
    case Answer::by_default:
    case Answer::missing:
    case Answer::failed:
    case Answer::none:
      return SSL_TLSEXT_ERR_NOACK;
    case Answer::value: {
      const std::size_t at = reply.as<AlpnQuestion>().chosen;
      *out = in + at + 1;
      *out_size = in[at];
      return SSL_TLSEXT_ERR_OK;
    }
    case Answer::accept:
    case Answer::alert:
    case Answer::cancelled:
      break;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;  // no_application_protocol
}

}  // namespace openssl_event
