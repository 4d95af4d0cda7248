// Pre-shared keys, of TLS 1.3 (RFC 8446 4.2.11) and of TLS 1.2 (RFC 4279), of servers and clients.
#include <cstring>

#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {

bool PskQuestion::fill_server(const unsigned char* said, std::size_t size) noexcept {
  if (!identity.copy(said, size)) return false;
  operands.is_server = 1;
  operands.identity = identity.data();
  operands.identity_len = size;
  operands.hint = "";
  return true;
}

bool PskQuestion::fill_client(const char* from_server) noexcept {
  if (from_server && !hint.copy(from_server, std::strlen(from_server))) return false;
  operands.hint = hint.text();
  return true;
}

const PskDigest* find_psk_digest(const char* name) noexcept {
  static constexpr PskDigest kDigests[] = {{"SHA256", {0x13, 0x01}}, {"SHA384", {0x13, 0x02}}};
  for (const PskDigest& digest : kDigests)
    if (name && std::strcmp(name, digest.name) == 0) return &digest;
  return nullptr;
}

namespace {

bool is_no_psk(const Reply& reply) noexcept { return reply.is_default() || reply.answer() == Answer::none; }

Reply ask_server(SSL* ssl, const unsigned char* identity, std::size_t size) noexcept {
  return ask<PskQuestion>(ssl, [=](PskQuestion& question) { return question.fill_server(identity, size); });
}

Reply ask_client(SSL* ssl, const char* hint) noexcept {
  return ask<PskQuestion>(ssl, [hint](PskQuestion& question) { return question.fill_client(hint); });
}

SSL_SESSION* session_with(SSL* ssl, const PskQuestion& answer) noexcept {
  SessionPointer session(SSL_SESSION_new());
  const SSL_CIPHER* cipher = SSL_CIPHER_find(ssl, answer.digest->suite);
  const bool made = session && cipher &&
                    SSL_SESSION_set1_master_key(session.get(), answer.key.data(), answer.key.size()) &&
                    SSL_SESSION_set_cipher(session.get(), cipher) &&
                    SSL_SESSION_set_protocol_version(session.get(), TLS1_3_VERSION);
  return made ? session.release() : nullptr;
}

unsigned copy_key(const Bytes& key, unsigned char* psk, unsigned room) noexcept {
  if (key.size() > room) return 0;
  std::memcpy(psk, key.data(), key.size());
  return static_cast<unsigned>(key.size());
}

bool speaks_tls13(SSL* ssl) noexcept { return SSL_version(ssl) >= TLS1_3_VERSION; }

}  // namespace

int psk_of_server(SSL* ssl, const unsigned char* identity, std::size_t size, SSL_SESSION** session) noexcept {
  *session = nullptr;
  Reply reply = ask_server(ssl, identity, size);
  if (is_no_psk(reply)) return 1;
  if (reply.has_value()) *session = session_with(ssl, reply.as<PskQuestion>());
  return *session != nullptr;
}

// libssl comes here in TLS 1.3 too, if psk_of_server has found nothing.
unsigned old_psk_of_server(SSL* ssl, const char* identity, unsigned char* psk, unsigned room) noexcept {
  if (speaks_tls13(ssl)) return 0;
  Reply reply = ask_server(ssl, reinterpret_cast<const unsigned char*>(identity), std::strlen(identity));
  return reply.has_value() ? copy_key(reply.as<PskQuestion>().key, psk, room) : 0;
}

namespace {

// libssl copies the identity after we have returned; the session, which it takes over, keeps it until then.
bool keep_identity(SSL_SESSION* session, const Bytes& identity, const unsigned char** data,
                   std::size_t* size) noexcept {
  void* kept = nullptr;
  if (!SSL_SESSION_set1_ticket_appdata(session, identity.data(), identity.size()) ||
      !SSL_SESSION_get0_ticket_appdata(session, &kept, size))
    return false;
  *data = static_cast<unsigned char*>(kept);
  return true;
}

}  // namespace

// While the ClientHello is being made, `digest` is NULL; after a HelloRetryRequest it is that of the server's suite.
int psk_of_client(SSL* ssl, const EVP_MD* digest, const unsigned char** identity, std::size_t* size,
                  SSL_SESSION** session) noexcept {
  *session = nullptr;
  *identity = nullptr;
  *size = 0;
  Reply reply = ask_client(ssl, nullptr);
  if (is_no_psk(reply)) return 1;
  if (!reply.has_value()) return 0;
  const PskQuestion& answer = reply.as<PskQuestion>();
  if (digest && !EVP_MD_is_a(digest, answer.digest->name)) return 1;  // the key is of no use
  SessionPointer made(session_with(ssl, answer));
  if (!made || !keep_identity(made.get(), answer.identity, identity, size)) return 0;
  *session = made.release();
  return 1;
}

unsigned old_psk_of_client(SSL* ssl, const char* hint, char* identity, unsigned identity_room, unsigned char* psk,
                           unsigned room) noexcept {
  if (speaks_tls13(ssl)) return 0;
  Reply reply = ask_client(ssl, hint);
  if (!reply.has_value()) return 0;
  PskQuestion& answer = reply.as<PskQuestion>();
  if (answer.identity.size() >= identity_room) return 0;
  std::memcpy(identity, answer.identity.text(), answer.identity.size() + 1);
  return copy_key(answer.key, psk, room);
}

}  // namespace openssl_event
