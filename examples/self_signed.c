#include "examples/self_signed.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "openssl_event/openssl_event.h"

enum { ONE_HOUR = 3600, ONE_YEAR = 365 * 24 * ONE_HOUR };

EVP_PKEY *make_key(int rsa_bits) {
    return rsa_bits ? EVP_RSA_gen((unsigned int)rsa_bits) : EVP_EC_gen("P-256");
}

static int set_serial(X509 *certificate) {
    unsigned char random[8];
    BIGNUM *number = NULL;
    int ok = RAND_bytes(random, sizeof random) > 0 && (number = BN_bin2bn(random, sizeof random, NULL)) != NULL &&
             BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return ok;
}

static int set_validity(X509 *certificate) {
    return X509_gmtime_adj(X509_getm_notBefore(certificate), -ONE_HOUR) &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), ONE_YEAR);
}

static int set_names(X509 *certificate) {
    X509_NAME *name = X509_NAME_new();
    int ok = name && X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0) &&
             X509_set_subject_name(certificate, name) && X509_set_issuer_name(certificate, name);
    X509_NAME_free(name);
    return ok;
}

static int add_extension(X509 *certificate, int nid, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, certificate, certificate, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    int ok = extension && X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

/* Ed25519 and Ed448 hash for themselves; the others sign with SHA-256. */
static const EVP_MD *digest_for(EVP_PKEY *key) {
    return EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ? NULL : EVP_sha256();
}

X509 *make_self_signed(EVP_PKEY *key) {
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
        set_validity(certificate) && set_names(certificate) && X509_set_pubkey(certificate, key) &&
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE") &&
        add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
        X509_sign(certificate, key, digest_for(key)))
        return certificate;
    X509_free(certificate);
    return NULL;
}

int use_offloaded_key(SSL_CTX *context, EVP_PKEY *key) {
    EVP_PKEY *offloaded = openssl_offloadKey(key, NULL, NULL, 0);
    int ok = offloaded && SSL_CTX_use_PrivateKey(context, offloaded) > 0 && SSL_CTX_check_private_key(context);
    EVP_PKEY_free(offloaded); /* the context has a reference of its own */
    return ok;
}

SSL_CTX *make_server_context(int rsa_bits) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = make_key(rsa_bits);
    X509 *certificate = key ? make_self_signed(key) : NULL;
    int ok = context && certificate && SSL_CTX_use_certificate(context, certificate) > 0 && use_offloaded_key(context, key);
    X509_free(certificate);
    EVP_PKEY_free(key);
    if (ok) return context;
    SSL_CTX_free(context);
    return NULL;
}
