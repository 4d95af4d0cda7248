// A process that has a private key, and signs and decrypts with it for those that may connect to its socket:
//
//     key_server KEY.pem SOCKET
//
// The key never leaves it. One client at a time, one request after the other: a real one, or a KMS, has many.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>

#include "examples/key_server/wire.h"

namespace {

using namespace key_server;

struct Free {
  void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
  void operator()(EVP_PKEY_CTX* context) const { EVP_PKEY_CTX_free(context); }
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Key = std::unique_ptr<EVP_PKEY, Free>;
using Context = std::unique_ptr<EVP_PKEY_CTX, Free>;

Key read_key(const char* path) {
  std::FILE* file = std::fopen(path, "r");
  Key key(file ? PEM_read_PrivateKey(file, nullptr, nullptr, nullptr) : nullptr);
  if (file) std::fclose(file);
  return key;
}

bool set_padding(EVP_PKEY_CTX* context, const Request& request) {
  if (!request.padding) return true;
  if (EVP_PKEY_CTX_set_rsa_padding(context, request.padding) <= 0) return false;
  return request.padding != RSA_PKCS1_PSS_PADDING || EVP_PKEY_CTX_set_rsa_pss_saltlen(context, request.salt_length) > 0;
}

std::size_t sign_message(EVP_PKEY* key, const unsigned char* in, std::size_t len, unsigned char* out) {
  const std::unique_ptr<EVP_MD_CTX, Free> context(EVP_MD_CTX_new());
  std::size_t size = kMaxLength;
  const bool done = context && EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key) > 0 &&
                    EVP_DigestSign(context.get(), out, &size, in, len) > 0;
  return done ? size : 0;
}

std::size_t sign(EVP_PKEY* key, const Request& request, const unsigned char* in, unsigned char* out) {
  if (!request.digest[0]) return sign_message(key, in, request.length, out);
  const Context context(EVP_PKEY_CTX_new(key, nullptr));
  const EVP_MD* md = EVP_get_digestbyname(request.digest);
  std::size_t size = kMaxLength;
  const bool done = context && md && EVP_PKEY_sign_init(context.get()) > 0 && set_padding(context.get(), request) &&
                    EVP_PKEY_CTX_set_signature_md(context.get(), md) > 0 &&
                    EVP_PKEY_sign(context.get(), out, &size, in, request.length) > 0;
  return done ? size : 0;
}

// Raw: the padding is the other side's business, who can answer a bad one without telling anybody.
std::size_t decrypt(EVP_PKEY* key, const Request& request, const unsigned char* in, unsigned char* out) {
  const Context context(EVP_PKEY_CTX_new(key, nullptr));
  std::size_t size = kMaxLength;
  const bool done = context && EVP_PKEY_decrypt_init(context.get()) > 0 &&
                    EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) > 0 &&
                    EVP_PKEY_decrypt(context.get(), out, &size, in, request.length) > 0;
  return done ? size : 0;
}

bool read_all(int fd, void* buffer, std::size_t len) {
  for (std::size_t got = 0; got < len;) {
    const ssize_t n = read(fd, static_cast<char*>(buffer) + got, len - got);
    if (n <= 0) return false;
    got += static_cast<std::size_t>(n);
  }
  return true;
}

bool write_all(int fd, const void* buffer, std::size_t len) {
  return send(fd, buffer, len, MSG_NOSIGNAL) == static_cast<ssize_t>(len);
}

void serve(int fd, EVP_PKEY* key) {
  Request request;
  static unsigned char in[kMaxLength], out[kMaxLength];
  while (read_all(fd, &request, sizeof request) && request.length <= sizeof in && read_all(fd, in, request.length)) {
    request.digest[sizeof request.digest - 1] = '\0';
    const std::size_t len = request.operation == Operation::sign ? sign(key, request, in, out) : decrypt(key, request, in, out);
    const Answer answer = {request.id, static_cast<std::uint32_t>(len)};
    if (!write_all(fd, &answer, sizeof answer) || !write_all(fd, out, len)) return;
  }
}

int listen_at(const char* path) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (std::strlen(path) >= sizeof address.sun_path) return -1;
  std::strcpy(address.sun_path, path);
  unlink(path);
  umask(0177);  // its owner only
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(fd, 8) != 0) return -1;
  return fd;
}

int fail(const char* what, const char* where) {
  std::fprintf(stderr, "key_server: %s '%s'\n", what, where);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    const bool help = argc == 2 && std::strcmp(argv[1], "--help") == 0;
    std::fprintf(help ? stdout : stderr,
                 "usage: key_server KEY.pem SOCKET\n"
                 "It executes operations of the private key for whoever may connect to the Unix socket.\n");
    return help ? 0 : 2;
  }
  const Key key = read_key(argv[1]);
  if (!key) return fail("there is no private key in", argv[1]);
  const int listener = listen_at(argv[2]);
  if (listener < 0) return fail("cannot listen at", argv[2]);
  std::printf("serving a key at %s\n", argv[2]);
  std::fflush(stdout);
  for (int fd; (fd = accept(listener, nullptr, nullptr)) >= 0; close(fd)) serve(fd, key.get());
  return 1;
}
