#include "tests/interop/surroundings.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <stdexcept>

namespace openssl_event::interop {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

// Calls `write` on a new file, unless it is there.
template <typename Write>
std::string file_once(const std::string& name, Write write) {
  const std::string path = scratch_file(name);
  static std::map<std::string, bool> written;
  if (written[path]) return path;
  const File file(std::fopen(path.c_str(), "wb"), std::fclose);
  if (!file || !write(file.get())) throw std::runtime_error("cannot write " + path);
  return written[path] = true, path;
}

constexpr int kVersions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

class Matrix : public ::testing::Environment {
 public:
  void TearDown() override {
    for (const auto& [peer, cells] : peers_) {
      std::printf("\n%-28s %-31s %-31s\n", peer.c_str(), "TLS 1.2", "TLS 1.3");
      for (const KeyType key : kEveryKey) {
        std::printf("  %-26s", testing::key_type_name(key));
        for (const int version : kVersions) {
          const auto cell = cells.find({key, version});
          std::printf(" %-31s", cell == cells.end() ? "not run" : cell->second.c_str());
        }
        std::printf("\n");
      }
    }
  }
  std::map<std::string, std::map<std::pair<KeyType, int>, std::string>> peers_;
};

// GoogleTest owns it.
Matrix* const matrix = static_cast<Matrix*>(::testing::AddGlobalTestEnvironment(new Matrix));

}  // namespace

std::string scratch_directory() {
  const char* directory = std::getenv("TEST_TMPDIR");
  return directory ? directory : "/tmp";
}

std::string scratch_file(const std::string& name) { return scratch_directory() + "/" + name; }

std::string key_file(KeyType type) {
  return file_once(std::string(testing::key_type_name(type)) + ".key", [type](std::FILE* file) {
    return PEM_write_PrivateKey(file, testing::shared_key(type), nullptr, nullptr, 0, nullptr, nullptr);
  });
}

std::string certificate_file(KeyType type) {
  return file_once(std::string(testing::key_type_name(type)) + ".crt",
                   [type](std::FILE* file) { return PEM_write_X509(file, testing::shared_certificate(type)); });
}

const std::string& much_data() {
  static const std::string data = [] {
    std::string bytes(std::size_t{10} << 20, '\0');
    unsigned state = 1;
    for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return bytes;
  }();
  return data;
}

std::string much_data_file() {
  return file_once("much_data", [](std::FILE* file) {
    return std::fwrite(much_data().data(), 1, much_data().size(), file) == much_data().size();
  });
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  if (!file.write(text.data(), static_cast<std::streamsize>(text.size())).flush())
    throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", digest[i]);
    text += pair;
  }
  return text;
}

const char* version_name(int version) { return version == TLS1_3_VERSION ? "Tls13" : "Tls12"; }

void note_in_matrix(const char* peer, KeyType key, int version, const std::string& outcome) {
  matrix->peers_[peer][{key, version}] = outcome;
}

}  // namespace openssl_event::interop
