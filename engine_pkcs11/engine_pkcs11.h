/*
 * engine_pkcs11: private keys that stay in a token (HSM, smart card, SoftHSM), spoken to by Cryptoki (PKCS#11 2.40).
 *
 *     X509 *certificate = ...;
 *     EVP_PKEY *key = openssl_pkcs11Key("pkcs11:token=web;object=tls?pin-source=/etc/web.pin", X509_get0_pubkey(certificate));
 *     SSL_CTX_use_certificate(context, certificate);
 *     SSL_CTX_use_PrivateKey(context, key);                         // its signatures are ENGINE_CALLs ...
 *
 *     case OPENSSL_ENGINE_CALL_OUT_KIND:                            // ... which block as long as the token takes:
 *         openssl_submitCall(workers, e, completions);              // have them executed by engine_workers
 */
#ifndef ENGINE_PKCS11_ENGINE_PKCS11_H
#define ENGINE_PKCS11_ENGINE_PKCS11_H

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A key for SSL_CTX_use_PrivateKey whose private half is the private-key object that `uri` names (RFC 7512). With
 * module-path the URI says which Cryptoki library; without, those that p11-kit is configured with are searched. pin-value
 * is the PIN, pin-source a file whose first line is. `public_key` is the other half, as in the certificate. RSA (PKCS#1
 * v1.5, PSS, and decryption of premaster secrets, by CKM_RSA_X_509), EC, Ed25519 and Ed448 keys.
 *
 * The token is first asked when the key is first used: a token that is not there, a lost session, or a wrong PIN fails that
 * call, with an error that says so, and the next call tries again; but a PIN that was refused is not tried a second time,
 * since that would lock the token. Each thread that executes a call has a session to itself meanwhile. A child of fork has
 * sessions of its own. Sessions are closed and modules finalised when the key is freed, or at exit, before modules and
 * OpenSSL clean up: no call begins any more then, and those that are being made have 3 seconds to end. A token that takes
 * longer is left as it is, and so are all if a module itself calls exit. The caller frees the key by EVP_PKEY_free. Any
 * thread. Fails for a URI that is none, for other types of keys, and without memory.
 */
EVP_PKEY *openssl_pkcs11Key(const char *uri, EVP_PKEY *public_key);

#ifdef __cplusplus
}
#endif

#endif
