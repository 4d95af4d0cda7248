#include "tests/engine_pkcs11/soft_token.h"

#include <openssl/params.h>
#include <openssl/pem.h>
#include <p11-kit/p11-kit.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

namespace openssl_event::testing {
namespace {

void require(bool done, const std::string& what) {
  if (done) return;
  std::fprintf(stderr, "soft_token: %s failed\n", what.c_str());
  std::abort();
}

// Of this process: SoftHSM reads its configuration once.
const std::string& directory() {
  static const std::string made = [] {
    std::string path = std::string(std::getenv("TEST_TMPDIR")) + "/softhsm";
    std::filesystem::create_directories(path + "/tokens");
    std::ofstream(path + "/softhsm2.conf") << "directories.tokendir = " << path << "/tokens\nlog.level = ERROR\n";
    setenv("SOFTHSM2_CONF", (path + "/softhsm2.conf").c_str(), 1);
    return path;
  }();
  return made;
}

void util(const std::string& arguments) {
  const std::string command = "softhsm2-util " + arguments + " >" + directory() + "/log 2>&1";
  require(std::system(command.c_str()) == 0, command);
}

// softhsm2-util knows no RSA-PSS keys; those of a token have no restrictions of their own.
EVP_PKEY* as_importable(EVP_PKEY* key) {
  if (!EVP_PKEY_is_a(key, "RSA-PSS")) return EVP_PKEY_up_ref(key) ? key : nullptr;
  OSSL_PARAM* params = nullptr;
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* plain = nullptr;
  require(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) && EVP_PKEY_fromdata_init(context) > 0 &&
              EVP_PKEY_fromdata(context, &plain, EVP_PKEY_KEYPAIR, params) > 0,
          "making a plain RSA key");
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  return plain;
}

}  // namespace

void SoftToken::create() {
  util("--init-token --free --label " + label_ + " --pin " + kPin + " --so-pin 5678");
  exists_ = true;
}

void SoftToken::remove() {
  if (exists_) util("--delete-token --token " + label_);
  exists_ = false;
}

void SoftToken::import(EVP_PKEY* key, const std::string& label) {
  static int id = 0x10;
  const std::string path = directory() + "/key.pem";
  std::FILE* file = std::fopen(path.c_str(), "w");
  EVP_PKEY* importable = as_importable(key);
  require(file && PEM_write_PKCS8PrivateKey(file, importable, nullptr, nullptr, 0, nullptr, nullptr), "writing a key");
  EVP_PKEY_free(importable);
  std::fclose(file);
  char hex[8];
  std::snprintf(hex, sizeof hex, "%x", id++);
  util("--import " + path + " --token " + label_ + " --label " + label + " --id " + hex + " --pin " + kPin);
}

// Not by way of p11-kit, which keeps its users' sessions apart.
void SoftToken::close_all_sessions() {
  CK_FUNCTION_LIST* module = p11_kit_module_load(kModule, P11_KIT_MODULE_UNMANAGED);
  require(module != nullptr, "loading SoftHSM");
  std::vector<CK_SLOT_ID> slots(16);
  CK_ULONG count = slots.size();
  const CK_RV value = module->C_GetSlotList(CK_TRUE, slots.data(), &count);
  if (value == CKR_CRYPTOKI_NOT_INITIALIZED) return;  // nobody has one
  require(value == CKR_OK, "C_GetSlotList");
  for (CK_ULONG i = 0; i < count; ++i) module->C_CloseAllSessions(slots[i]);
}

std::string SoftToken::uri(const std::string& object, const std::string& pin, const std::string& module) const {
  std::string uri = "pkcs11:token=" + label_ + ";object=" + object + "?module-path=" + module;
  return pin.empty() ? uri : uri + "&pin-value=" + pin;
}

}  // namespace openssl_event::testing
