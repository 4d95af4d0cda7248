#include "tests/compat/key_files.h"

#include <openssl/pem.h>
#include <stdlib.h>

#include <cstdio>
#include <filesystem>

#include "tests/support/keys.h"

namespace openssl_event::testing {
namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/compat-keys-XXXXXX";
    if (!mkdtemp(name)) std::abort();
    path = name;
    write("rsa", KeyType::kRsa);
    write("ec", KeyType::kEcP256);
    write("ed25519", KeyType::kEd25519);
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }

  void write(const std::string& name, KeyType type) const {
    const Certificate certificate = make_certificate(shared_key(type));
    BIO* key = BIO_new_file((path + "/" + name + ".key").c_str(), "w");
    BIO* crt = BIO_new_file((path + "/" + name + ".crt").c_str(), "w");
    if (!PEM_write_bio_PrivateKey(key, shared_key(type), nullptr, nullptr, 0, nullptr, nullptr) ||
        !PEM_write_bio_X509(crt, certificate.get()))
      std::abort();
    BIO_free(key);
    BIO_free(crt);
  }

  std::string path;
};

}  // namespace

const std::string& key_folder() {
  static const Folder folder;
  return folder.path;
}

}  // namespace openssl_event::testing
