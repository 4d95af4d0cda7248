// Ticket keys. Tickets are sealed as OpenSSL does by itself: AES-256-CBC and HMAC-SHA256 (RFC 5077 4).
#include <openssl/core_names.h>
#include <openssl/rand.h>

#include <cstring>

#include "openssl_event/lookup_callbacks.h"

namespace openssl_event {

bool TicketQuestion::fill(const unsigned char* name) noexcept {
  operands.encrypts = name == nullptr;
  if (!name) return true;
  if (!key_name.copy(name, OPENSSL_TICKET_KEY_NAME_SIZE)) return false;
  operands.key_name = key_name.data();
  return true;
}

namespace {

enum Result { kFailed = -1, kNoTicket = 0, kReady = 1, kReadyToRenew = 2 };

// Name, HMAC key, AES key.
struct TicketKey {
  unsigned char bytes[OPENSSL_TICKET_KEY_SIZE];
  ~TicketKey() { OPENSSL_cleanse(bytes, sizeof bytes); }
  unsigned char* mac() noexcept { return bytes + OPENSSL_TICKET_KEY_NAME_SIZE; }
  const unsigned char* aes() noexcept { return mac() + 32; }
};

bool set_up(TicketKey& key, const unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac, int encrypts) noexcept {
  char digest[] = "SHA256";
  const OSSL_PARAM params[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key.mac(), 32),
                               OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                               OSSL_PARAM_construct_end()};
  return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), nullptr, key.aes(), iv, encrypts) &&
         EVP_MAC_CTX_set_params(mac, params);
}

bool has_name(const TicketKey& key, const unsigned char* name) noexcept {
  return std::memcmp(key.bytes, name, OPENSSL_TICKET_KEY_NAME_SIZE) == 0;
}

bool take_from_context(SSL* ssl, TicketKey& key) noexcept {
  return SSL_CTX_get_tlsext_ticket_keys(SSL_get_SSL_CTX(ssl), key.bytes, sizeof key.bytes);
}

bool take_from_reply(Reply& reply, TicketKey& key) noexcept {
  std::memcpy(key.bytes, reply.as<TicketQuestion>().key.data(), sizeof key.bytes);
  return true;
}

int encrypt(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac) noexcept {
  Reply reply = ask<TicketQuestion>(ssl, [](TicketQuestion& question) { return question.fill(nullptr); });
  if (reply.answer() == Answer::cancelled) return kFailed;
  TicketKey key;
  bool has_key;
  if (reply.has_value())
    has_key = take_from_reply(reply, key);
  else if (reply.is_default())
    has_key = take_from_context(ssl, key);
  else if (SSL_version(ssl) < TLS1_3_VERSION)
    return kNoTicket;
  else
    // OpenSSL 3.0 sends a malformed NewSessionTicket if there is no key; so this is a ticket that nobody can open.
    has_key = RAND_priv_bytes(key.bytes, sizeof key.bytes) > 0;
  if (!has_key || RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) <= 0) return kFailed;
  std::memcpy(name, key.bytes, OPENSSL_TICKET_KEY_NAME_SIZE);
  return set_up(key, iv, cipher, mac, 1) ? kReady : kFailed;
}

int decrypt(SSL* ssl, const unsigned char* name, const unsigned char* iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac) noexcept {
  Reply reply = ask<TicketQuestion>(ssl, [name](TicketQuestion& question) { return question.fill(name); });
  if (reply.answer() == Answer::cancelled) return kFailed;
  TicketKey key;
  if (reply.has_value())
    take_from_reply(reply, key);
  else if (!reply.is_default() || !take_from_context(ssl, key))
    return kNoTicket;
  if (!has_name(key, name)) return kNoTicket;
  if (!set_up(key, iv, cipher, mac, 0)) return kFailed;
  return reply.has_value() && reply.as<TicketQuestion>().renew ? kReadyToRenew : kReady;
}

}  // namespace

int ticket_key_asked(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                     int encrypts) noexcept {
  return encrypts ? encrypt(ssl, name, iv, cipher, mac) : decrypt(ssl, name, iv, cipher, mac);
}

}  // namespace openssl_event
