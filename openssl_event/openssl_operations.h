/*
 * The operands and results of ENGINE_CALLs, for who writes an engine. Included by openssl_event.h.
 *
 * All operands stay valid as long as the event, even if it is cancelled; nothing in them points into the connection. An
 * engine reads the operands, writes the result into the buffer that is there, says how long it is, and ends the call by
 * openssl_completeCall, openssl_failCall or openssl_decline. Results are secrets but for signatures and public keys: they
 * are wiped with the event.
 *
 * `handle` is what the engine itself gave: for sign and decrypt to openssl_engineKey, for derive and decapsulate as the
 * result of the keygen. NULL: the key is OpenSSL's.
 */
#ifndef OPENSSL_EVENT_OPENSSL_OPERATIONS_H
#define OPENSSL_EVENT_OPENSSL_OPERATIONS_H

#include <stddef.h>

#include <openssl/evp.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    OPENSSL_OPERATION_SIGN = 1,
    OPENSSL_OPERATION_DECRYPT, /* the premaster secret of an RSA key exchange, TLS 1.2 and older */
    OPENSSL_OPERATION_KEYGEN,  /* a key share */
    OPENSSL_OPERATION_DERIVE,  /* the shared secret of two key shares */
    OPENSSL_OPERATION_VERIFY,  /* the peer's signature, or one of its certificates' */
    OPENSSL_OPERATION_ENCAPSULATE, /* a server's answer to a key share of ML-KEM or a hybrid (OpenSSL 3.5 and later) */
    OPENSSL_OPERATION_DECAPSULATE  /* the client's part of the same */
};

/* Sets of operations, for openssl_setOperations. */
#define OPENSSL_OPERATION_BIT(optype) (1u << (optype))
#define OPENSSL_OPERATIONS_NONE 0u
#define OPENSSL_OPERATIONS_ALL (~0u)

typedef struct OPENSSL_sign_st {
    EVP_PKEY *key;              /* the real key, whatever provider it lives in, or the public half of an engine's key */
    void *handle;
    const char *digest;         /* "SHA256"; NULL where the algorithm has none of its own to choose (Ed25519, Ed448) */
    const char *mgf1_digest;    /* RSA-PSS; else NULL */
    int padding;                /* RSA_PKCS1_PADDING or RSA_PKCS1_PSS_PADDING; 0 for other keys */
    int salt_length;            /* RSA-PSS, in bytes; else 0 */
    int prehashed;              /* 1: tbs is the digest already; 0: tbs is to be hashed, see openssl_hashOperand */
    const unsigned char *tbs;   /* to be signed */
    size_t tbs_len;
    unsigned char *signature;   /* ECDSA: a DER SEQUENCE of r and s (RFC 8446 4.2.3) */
    size_t signature_size;
    size_t signature_len;
} OPENSSL_SIGN;

typedef struct OPENSSL_verify_st {
    EVP_PKEY *key;              /* the public key */
    const char *digest;         /* these as in OPENSSL_SIGN */
    const char *mgf1_digest;
    int padding;
    int salt_length;            /* -2 (RSA_PSS_SALTLEN_AUTO): of any length */
    int prehashed;
    const unsigned char *tbs;
    size_t tbs_len;
    const unsigned char *signature;
    size_t signature_len;
    int valid;                  /* the result: 1 if it is the key's signature; 0, as it comes: it is not */
} OPENSSL_VERIFY;

/*
 * RSA decryption. The engine writes the *raw* result, ciphertext^d mod n, as many bytes as the modulus has, and looks at no
 * padding: the machine does that, without a branch that depends on it (RFC 5246 7.4.7.1). Whatever the engine cannot
 * decrypt because of its contents is completed with message_len 0 and becomes a random premaster secret, as a bad padding
 * does; openssl_failCall is for the loss of the engine only. (openssl_defaultEngine keeps its result to itself.)
 */
typedef struct OPENSSL_decrypt_st {
    EVP_PKEY *key;              /* as in OPENSSL_SIGN */
    void *handle;
    const unsigned char *ciphertext;
    size_t ciphertext_len;      /* that of the modulus */
    unsigned char *message;
    size_t message_size;        /* likewise */
    size_t message_len;
} OPENSSL_DECRYPT;

/*
 * The engine makes a key pair, gives its public half, and keeps the other as its `handle`: derivations with the key come
 * to the same engine, with it. free_handle(handle) ends it, on any thread, when the connection is done with the key, and
 * when the call came too late. (openssl_defaultEngine has no handle.)
 */
typedef struct OPENSSL_keygen_st {
    const char *type;           /* "X25519", "X448", "EC", "DH"; "ML-KEM-768", "X25519MLKEM768" and their like */
    const char *group;          /* "P-256", "ffdhe2048"; NULL: see `parameters`; of types that are groups it may be NULL */
    EVP_PKEY *parameters;       /* a key of the same parameters; NULL: the names say all */
    unsigned char *public_key;  /* as in a key share (RFC 8446 4.2.8.1 and 4.2.8.2), or an encapsulation key */
    size_t public_key_size;
    size_t public_key_len;
    void *handle;
    void (*free_handle)(void *handle);
} OPENSSL_KEYGEN;

/*
 * The engine must refuse (openssl_failCall) a peer's key that is no point of the curve, or of X25519 and X448 one that
 * gives a secret of zeros (RFC 7748 6.1), which openssl_defaultEngine does.
 */
typedef struct OPENSSL_derive_st {
    EVP_PKEY *key;              /* our key share; of an engine's only the public half */
    void *handle;
    const char *type;           /* as in OPENSSL_KEYGEN */
    const char *group;
    const unsigned char *peer;  /* the peer's key share, as its bytes in OPENSSL_KEYGEN */
    size_t peer_len;
    unsigned char *secret;      /* of full length: leading zeros stay (RFC 8446 7.4), and are cut by the machine for TLS 1.2 */
    size_t secret_size;
    size_t secret_len;
} OPENSSL_DERIVE;

/*
 * A key encapsulation (FIPS 203; of hybrids draft-ietf-tls-ecdhe-mlkem): a new secret, and what tells it to the holder of
 * the peer's key. An engine that knows ML-KEM alone declines hybrids.
 */
typedef struct OPENSSL_encapsulate_st {
    EVP_PKEY *key;              /* the peer's key share */
    const char *type;           /* as in OPENSSL_KEYGEN */
    const unsigned char *peer;  /* the same as bytes */
    size_t peer_len;
    unsigned char *ciphertext;  /* our key share; of full length, as the secret */
    size_t ciphertext_size;
    size_t ciphertext_len;
    unsigned char *secret;
    size_t secret_size;
    size_t secret_len;
} OPENSSL_ENCAPSULATE;

/*
 * What was not encapsulated for the key gives another secret (implicit rejection, FIPS 203 6.3); openssl_failCall is for
 * the loss of the engine and for a ciphertext of another length.
 */
typedef struct OPENSSL_decapsulate_st {
    EVP_PKEY *key;              /* our key share; of an engine's only the public half */
    void *handle;
    const char *type;           /* as in OPENSSL_KEYGEN */
    const unsigned char *ciphertext; /* the peer's key share */
    size_t ciphertext_len;
    unsigned char *secret;
    size_t secret_size;
    size_t secret_len;
} OPENSSL_DECAPSULATE;

#ifdef __cplusplus
}
#endif

#endif
