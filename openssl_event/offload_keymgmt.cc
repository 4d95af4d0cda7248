// The key managers. Public parts are answered by the inner key; private ones of an offloaded key by nobody, so that
// libcrypto, which first tries to move a key to the provider of its first choice, comes to our operations.
#include <cstring>
#include <utility>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/params.h>
#include <openssl/proverr.h>

#include "openssl_event/offload_key.h"
#include "openssl_event/offload_generation.h"
#include "openssl_event/offload_provider.h"
#include "openssl_event/runner.h"

namespace openssl_event {
namespace {

OffloadedKey* from(void* key) noexcept { return static_cast<OffloadedKey*>(key); }
const OffloadedKey* from(const void* key) noexcept { return static_cast<const OffloadedKey*>(key); }

bool selects_private(int selection) noexcept { return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0; }

// The names by which the providers of OpenSSL 3.0 and later call private material: "d", "priv", and numbered RSA parts.
bool is_private(const char* name) noexcept {
  for (const char* prefix : {"rsa-factor", "rsa-exponent", "rsa-coefficient"})
    if (std::strncmp(name, prefix, std::strlen(prefix)) == 0) return true;
  return std::strcmp(name, OSSL_PKEY_PARAM_RSA_D) == 0 || std::strcmp(name, OSSL_PKEY_PARAM_PRIV_KEY) == 0;
}

void key_free(void* key) noexcept {
  if (key != nullptr) from(key)->unref();
}

int key_has(const void* key, int selection) noexcept { return key != nullptr && from(key)->has(selection); }

int key_match(const void* key, const void* other, int selection) noexcept {
  return from(key)->matches(*from(other), selection);
}

int key_import(void* key, int selection, const OSSL_PARAM params[]) noexcept {
  const OSSL_PARAM* request = OSSL_PARAM_locate_const(params, kOffloadRequestParam);
  if (request == nullptr) return from(key)->import(selection, params);
  return request->data_size == sizeof(OffloadRequest) &&
         from(key)->adopt(std::move(*static_cast<OffloadRequest*>(request->data)));
}

int key_export(void* key, int selection, OSSL_CALLBACK* callback, void* argument) noexcept {
  const bool is_refused = selects_private(selection) && !from(key)->lends_private();
  if (is_refused || from(key)->inner() == nullptr) {
    ERR_raise(ERR_LIB_PROV, PROV_R_NOT_SUPPORTED);
    return 0;
  }
  return EVP_PKEY_export(from(key)->inner(), selection, callback, argument);
}

void* key_dup(const void* key, int selection) noexcept {
  if (!selects_private(selection)) return from(key)->copy_public(selection);
  auto* same = const_cast<OffloadedKey*>(from(key));  // a copy would be one more holder of the real key, no more
  same->ref();
  return same;
}

// A key that is not provided, but made of an old RSA* or EC_KEY*, knows these only by functions of their own.
enum class Answer { kGiven, kFailed, kUnknown };

Answer set_int(OSSL_PARAM& param, int value) noexcept {
  return OSSL_PARAM_set_int(&param, value) ? Answer::kGiven : Answer::kFailed;
}

Answer set_text(OSSL_PARAM& param, const char* text) noexcept {
  return text != nullptr && OSSL_PARAM_set_utf8_string(&param, text) ? Answer::kGiven : Answer::kFailed;
}

const char* point_format(int format) noexcept {
  switch (format) {
    case POINT_CONVERSION_COMPRESSED: return OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_COMPRESSED;
    case POINT_CONVERSION_UNCOMPRESSED: return OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_UNCOMPRESSED;
    case POINT_CONVERSION_HYBRID: return OSSL_PKEY_EC_POINT_CONVERSION_FORMAT_HYBRID;
    default: return nullptr;
  }
}

Answer ask_by_function(const EVP_PKEY* inner, OSSL_PARAM& param) noexcept {
  const auto is = [&param](const char* name) { return std::strcmp(param.key, name) == 0; };
  if (is(OSSL_PKEY_PARAM_BITS)) return set_int(param, EVP_PKEY_get_bits(inner));
  if (is(OSSL_PKEY_PARAM_MAX_SIZE)) return set_int(param, EVP_PKEY_get_size(inner));
  if (is(OSSL_PKEY_PARAM_SECURITY_BITS)) return set_int(param, EVP_PKEY_get_security_bits(inner));
  if (EVP_PKEY_get0_provider(inner) != nullptr) return Answer::kUnknown;
  if (is(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT))
    return set_text(param, point_format(EVP_PKEY_get_ec_point_conv_form(inner)));
  if (is(OSSL_PKEY_PARAM_EC_FIELD_TYPE)) return set_text(param, OBJ_nid2sn(EVP_PKEY_get_field_type(inner)));
  return Answer::kUnknown;
}

// What a key does not know stays as it is. A provider says so by success, an old key by failure.
bool ask_by_params(const EVP_PKEY* inner, OSSL_PARAM& param) noexcept {
  OSSL_PARAM one[] = {param, OSSL_PARAM_construct_end()};
  if (EVP_PKEY_get0_provider(inner) == nullptr) {
    ERR_set_mark();
    EVP_PKEY_get_params(inner, one);
    ERR_pop_to_mark();
    param.return_size = one[0].return_size;
    return true;
  }
  const bool done = EVP_PKEY_get_params(inner, one) > 0;
  param.return_size = one[0].return_size;
  return done;
}

bool get_param(OffloadedKey& key, OSSL_PARAM& param) noexcept {
  if (!key.lends_private() && is_private(param.key)) return true;  // left as it is, which libcrypto reads as: not known
  OffloadedKey* self = &key;
  if (std::strcmp(param.key, kOffloadedKeyParam) == 0)
    return !key.has(OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || OSSL_PARAM_set_octet_string(&param, &self, sizeof self);
  const Answer answer = ask_by_function(key.inner(), param);
  return answer == Answer::kUnknown ? ask_by_params(key.inner(), param) : answer == Answer::kGiven;
}

int key_get_params(void* key, OSSL_PARAM params[]) noexcept {
  if (from(key)->inner() == nullptr) return 0;
  for (OSSL_PARAM* param = params; param->key != nullptr; ++param)
    if (!get_param(*from(key), *param)) return 0;
  return 1;
}

int key_set_params(void* key, const OSSL_PARAM params[]) noexcept {
  return from(key)->set_params(params);
}

int check(EVP_PKEY_CTX* context, int selection, int quick) noexcept {
  if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) == OSSL_KEYMGMT_SELECT_KEYPAIR) return EVP_PKEY_check(context);
  if (selects_private(selection)) return EVP_PKEY_private_check(context);
  if ((selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0)
    return quick ? EVP_PKEY_public_check_quick(context) : EVP_PKEY_public_check(context);
  return quick ? EVP_PKEY_param_check_quick(context) : EVP_PKEY_param_check(context);
}

int key_validate(const void* vkey, int selection, int kind) noexcept {
  auto* key = const_cast<OffloadedKey*>(from(vkey));
  if (!key->has(selection & OSSL_KEYMGMT_SELECT_KEYPAIR)) return 0;
  if (key->is_share() && selection == OSSL_KEYMGMT_SELECT_PUBLIC_KEY && Runner::current() != nullptr) {
    key->check_later();
    return 1;
  }
  EVP_PKEY_CTX* context = key->new_context();
  const int valid = context != nullptr && check(context, selection, kind == OSSL_KEYMGMT_VALIDATE_QUICK_CHECK) > 0;
  EVP_PKEY_CTX_free(context);
  return valid;
}

// ---- Generation ----

OffloadGeneration* generation(void* context) noexcept { return static_cast<OffloadGeneration*>(context); }

int gen_set_template(void* context, void* key) noexcept { return generation(context)->set_template(from(key)); }
int gen_set_params(void* context, const OSSL_PARAM params[]) noexcept {
  return generation(context)->set_params(params);
}
void* gen(void* context, OSSL_CALLBACK*, void*) noexcept { return generation(context)->generate(); }
void gen_cleanup(void* context) noexcept { delete generation(context); }

// ---- Parameters ----

// What may be asked of a key without private material, and what a public half consists of. The lists name the
// parameters that the default provider's key managers of OpenSSL 3.0 know; others are forwarded as well.
#define SIZES                                                                                                 \
  OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, nullptr), OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, nullptr),      \
      OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, nullptr),                                                      \
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_DEFAULT_DIGEST, nullptr, 0),                                     \
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_MANDATORY_DIGEST, nullptr, 0)
#define RSA_PUBLIC \
  OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, nullptr, 0), OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, nullptr, 0)
#define EC_PUBLIC                                                                                             \
  OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0),                                             \
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),                                           \
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_ENCODING, nullptr, 0),                                        \
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, nullptr, 0),                         \
      OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_EC_FIELD_TYPE, nullptr, 0),                                      \
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_P, nullptr, 0), OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_A, nullptr, 0),       \
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_B, nullptr, 0),                                                        \
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_GENERATOR, nullptr, 0),                                      \
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_ORDER, nullptr, 0), OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_COFACTOR, nullptr, 0), \
      OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_EC_SEED, nullptr, 0),                                           \
      OSSL_PARAM_int(OSSL_PKEY_PARAM_USE_COFACTOR_ECDH, nullptr)
#define DH_PUBLIC                                                                                                    \
  OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, nullptr, 0), OSSL_PARAM_BN(OSSL_PKEY_PARAM_FFC_P, nullptr, 0), \
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_FFC_Q, nullptr, 0), OSSL_PARAM_BN(OSSL_PKEY_PARAM_FFC_G, nullptr, 0),           \
      OSSL_PARAM_BN(OSSL_PKEY_PARAM_FFC_COFACTOR, nullptr, 0),                                                      \
      OSSL_PARAM_int(OSSL_PKEY_PARAM_DH_PRIV_LEN, nullptr), OSSL_PARAM_BN(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0)
#define ENCODED OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, nullptr, 0)

const OSSL_PARAM kRsaGettable[] = {SIZES, RSA_PUBLIC, OSSL_PARAM_END};
const OSSL_PARAM kRsaPublic[] = {RSA_PUBLIC, OSSL_PARAM_END};
const OSSL_PARAM kRsaPair[] = {RSA_PUBLIC,
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_D, nullptr, 0),
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_FACTOR1, nullptr, 0),
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_FACTOR2, nullptr, 0),
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_EXPONENT1, nullptr, 0),
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_EXPONENT2, nullptr, 0),
                               OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_COEFFICIENT1, nullptr, 0),
                               OSSL_PARAM_END};
const OSSL_PARAM kEcGettable[] = {SIZES,
                                  EC_PUBLIC,
                                  ENCODED,
                                  OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_X, nullptr, 0),
                                  OSSL_PARAM_BN(OSSL_PKEY_PARAM_EC_PUB_Y, nullptr, 0),
                                  OSSL_PARAM_int(OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, nullptr),
                                  OSSL_PARAM_END};
const OSSL_PARAM kEcPublic[] = {EC_PUBLIC, OSSL_PARAM_END};
const OSSL_PARAM kEcPair[] = {EC_PUBLIC, OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, nullptr, 0), OSSL_PARAM_END};
const OSSL_PARAM kEdGettable[] = {SIZES, OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0), ENCODED,
                                  OSSL_PARAM_END};
const OSSL_PARAM kEdPublic[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0), OSSL_PARAM_END};
const OSSL_PARAM kEdPair[] = {OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, nullptr, 0),
                              OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, nullptr, 0), OSSL_PARAM_END};
const OSSL_PARAM kDhGettable[] = {SIZES, DH_PUBLIC, ENCODED, OSSL_PARAM_END};
const OSSL_PARAM kDhPublic[] = {DH_PUBLIC, OSSL_PARAM_END};
const OSSL_PARAM kDhPair[] = {DH_PUBLIC, OSSL_PARAM_BN(OSSL_PKEY_PARAM_PRIV_KEY, nullptr, 0), OSSL_PARAM_END};
const OSSL_PARAM kNoParams[] = {OSSL_PARAM_END};

struct KeyType {
  const char* name;
  const char* signature;
  const char* other;  // of encryption for RSA, of key exchange for the others
  const OSSL_PARAM* gettable;
  const OSSL_PARAM* public_half;
  const OSSL_PARAM* pair;
};

// Constants of their own, so that each may be the argument of a template: its functions get no key to tell the type.
constexpr KeyType kRsa = {"RSA", "RSA", "RSA", kRsaGettable, kRsaPublic, kRsaPair};
constexpr KeyType kRsaPss = {"RSA-PSS", "RSA", nullptr, kRsaGettable, kRsaPublic, kRsaPair};
constexpr KeyType kEc = {"EC", "ECDSA", "ECDH", kEcGettable, kEcPublic, kEcPair};
constexpr KeyType kEd25519 = {"ED25519", "ED25519", nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kEd448 = {"ED448", "ED448", nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kX25519 = {"X25519", nullptr, "X25519", kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kX448 = {"X448", nullptr, "X448", kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kDh = {"DH", nullptr, "DH", kDhGettable, kDhPublic, kDhPair};
constexpr KeyType kMlKem512 = {"ML-KEM-512", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kMlKem768 = {"ML-KEM-768", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kMlKem1024 = {"ML-KEM-1024", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kX25519MlKem768 = {"X25519MLKEM768", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kX448MlKem1024 = {"X448MLKEM1024", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kP256MlKem768 = {"SecP256r1MLKEM768", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};
constexpr KeyType kP384MlKem1024 = {"SecP384r1MLKEM1024", nullptr, nullptr, kEdGettable, kEdPublic, kEdPair};

template <const KeyType& T>
void* key_new(void* provider) noexcept {
  return OffloadedKey::make(T.name, offload_home(provider));
}

template <const KeyType& T>
void* gen_init(void* provider, int selection, const OSSL_PARAM params[]) noexcept {
  return OffloadGeneration::create(T.name, offload_home(provider), selection, params);
}

// The parameters are those of the home's key manager, which lives as long as the home's provider.
template <const KeyType& T>
const OSSL_PARAM* gen_settable_params(void*, void* provider) noexcept {
  const OffloadHome& home = offload_home(provider);
  EVP_KEYMGMT* manager = EVP_KEYMGMT_fetch(home.libctx, T.name, home.propq);
  const OSSL_PARAM* params = manager == nullptr ? nullptr : EVP_KEYMGMT_gen_settable_params(manager);
  EVP_KEYMGMT_free(manager);
  return params;
}

template <const KeyType& T>
const OSSL_PARAM* key_gettable_params(void*) noexcept {
  return T.gettable;
}

const OSSL_PARAM* key_settable_params(void*) noexcept { return kNoParams; }

template <const KeyType& T>
const OSSL_PARAM* key_types(int selection) noexcept {
  if (selects_private(selection)) return T.pair;
  return (selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) != 0 ? T.public_half : kNoParams;
}

template <const KeyType& T>
const char* key_query_operation_name(int operation) noexcept {
  switch (operation) {
    case OSSL_OP_SIGNATURE:
      return T.signature;
    case OSSL_OP_KEM:
      return T.name;
    default:
      return T.other;
  }
}

template <const KeyType& T>
const OSSL_DISPATCH* functions() noexcept {
  static const OSSL_DISPATCH table[] = {
      offload_entry<OSSL_FUNC_keymgmt_new_fn>(OSSL_FUNC_KEYMGMT_NEW, key_new<T>),
      offload_entry<OSSL_FUNC_keymgmt_gen_init_fn>(OSSL_FUNC_KEYMGMT_GEN_INIT, gen_init<T>),
      offload_entry<OSSL_FUNC_keymgmt_gen_set_template_fn>(OSSL_FUNC_KEYMGMT_GEN_SET_TEMPLATE, gen_set_template),
      offload_entry<OSSL_FUNC_keymgmt_gen_set_params_fn>(OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, gen_set_params),
      offload_entry<OSSL_FUNC_keymgmt_gen_settable_params_fn>(OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS,
                                                              gen_settable_params<T>),
      offload_entry<OSSL_FUNC_keymgmt_gen_fn>(OSSL_FUNC_KEYMGMT_GEN, gen),
      offload_entry<OSSL_FUNC_keymgmt_gen_cleanup_fn>(OSSL_FUNC_KEYMGMT_GEN_CLEANUP, gen_cleanup),
      offload_entry<OSSL_FUNC_keymgmt_free_fn>(OSSL_FUNC_KEYMGMT_FREE, key_free),
      offload_entry<OSSL_FUNC_keymgmt_has_fn>(OSSL_FUNC_KEYMGMT_HAS, key_has),
      offload_entry<OSSL_FUNC_keymgmt_match_fn>(OSSL_FUNC_KEYMGMT_MATCH, key_match),
      offload_entry<OSSL_FUNC_keymgmt_validate_fn>(OSSL_FUNC_KEYMGMT_VALIDATE, key_validate),
      offload_entry<OSSL_FUNC_keymgmt_import_fn>(OSSL_FUNC_KEYMGMT_IMPORT, key_import),
      offload_entry<OSSL_FUNC_keymgmt_import_types_fn>(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, key_types<T>),
      offload_entry<OSSL_FUNC_keymgmt_export_fn>(OSSL_FUNC_KEYMGMT_EXPORT, key_export),
      offload_entry<OSSL_FUNC_keymgmt_export_types_fn>(OSSL_FUNC_KEYMGMT_EXPORT_TYPES, key_types<T>),
      offload_entry<OSSL_FUNC_keymgmt_dup_fn>(OSSL_FUNC_KEYMGMT_DUP, key_dup),
      offload_entry<OSSL_FUNC_keymgmt_get_params_fn>(OSSL_FUNC_KEYMGMT_GET_PARAMS, key_get_params),
      offload_entry<OSSL_FUNC_keymgmt_gettable_params_fn>(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, key_gettable_params<T>),
      offload_entry<OSSL_FUNC_keymgmt_set_params_fn>(OSSL_FUNC_KEYMGMT_SET_PARAMS, key_set_params),
      offload_entry<OSSL_FUNC_keymgmt_settable_params_fn>(OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS, key_settable_params),
      offload_entry<OSSL_FUNC_keymgmt_query_operation_name_fn>(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME,
                                                               key_query_operation_name<T>),
      kOffloadEnd};
  return table;
}

}  // namespace

// The names are the default provider's: libssl finds a key's place by EVP_PKEY_is_a.
const OSSL_ALGORITHM* offload_keymgmt() noexcept {
  static const OSSL_ALGORITHM table[] = {
      {"RSA:rsaEncryption:1.2.840.113549.1.1.1", nullptr, functions<kRsa>(), "offloaded RSA"},
      {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", nullptr, functions<kRsaPss>(), "offloaded RSA-PSS"},
      {"EC:id-ecPublicKey:1.2.840.10045.2.1", nullptr, functions<kEc>(), "offloaded EC"},
      {"ED25519:1.3.101.112", nullptr, functions<kEd25519>(), "offloaded Ed25519"},
      {"ED448:1.3.101.113", nullptr, functions<kEd448>(), "offloaded Ed448"},
      {"X25519:1.3.101.110", nullptr, functions<kX25519>(), "offloaded X25519"},
      {"X448:1.3.101.111", nullptr, functions<kX448>(), "offloaded X448"},
      {"DH:dhKeyAgreement:1.2.840.113549.1.3.1", nullptr, functions<kDh>(), "offloaded DH"},
      {"ML-KEM-512:MLKEM512:id-alg-ml-kem-512:2.16.840.1.101.3.4.4.1", nullptr, functions<kMlKem512>(),
       "offloaded ML-KEM-512"},
      {"ML-KEM-768:MLKEM768:id-alg-ml-kem-768:2.16.840.1.101.3.4.4.2", nullptr, functions<kMlKem768>(),
       "offloaded ML-KEM-768"},
      {"ML-KEM-1024:MLKEM1024:id-alg-ml-kem-1024:2.16.840.1.101.3.4.4.3", nullptr, functions<kMlKem1024>(),
       "offloaded ML-KEM-1024"},
      {"X25519MLKEM768", nullptr, functions<kX25519MlKem768>(), "offloaded X25519MLKEM768"},
      {"X448MLKEM1024", nullptr, functions<kX448MlKem1024>(), "offloaded X448MLKEM1024"},
      {"SecP256r1MLKEM768", nullptr, functions<kP256MlKem768>(), "offloaded SecP256r1MLKEM768"},
      {"SecP384r1MLKEM1024", nullptr, functions<kP384MlKem1024>(), "offloaded SecP384r1MLKEM1024"},
      {nullptr, nullptr, nullptr, nullptr}};
  return table;
}

}  // namespace openssl_event
