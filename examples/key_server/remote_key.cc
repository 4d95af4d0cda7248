#include "examples/key_server/remote_key.h"

#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace key_server {
namespace {

bool refuse(const char* why) {
  ERR_raise_data(ERR_LIB_USER, ERR_R_OPERATION_FAIL, "key server: %s", why);
  return false;
}

void end(OPENSSL_EVENT* call, openssl_completions_t* completions, const char* failure) {
  failure ? openssl_failCall(call, failure) : openssl_completeCall(call);
  openssl_postCompletion(completions, call);
}

// Where the result goes.
unsigned char* result_of(OPENSSL_ENGINE_CALL& call, std::size_t& size, std::size_t*& len) {
  const bool signs = call.optype == OPENSSL_OPERATION_SIGN;
  size = signs ? call.u.s.signature_size : call.u.d.message_size;
  len = signs ? &call.u.s.signature_len : &call.u.d.message_len;
  return signs ? call.u.s.signature : call.u.d.message;
}

}  // namespace

int RemoteKey::start(OPENSSL_EVENT* e, openssl_completions_t* completions) {
  return static_cast<RemoteKey*>(e->e.engine->data)->begin(e, completions);
}

bool RemoteKey::begin(OPENSSL_EVENT* e, openssl_completions_t* completions) {
  if (!connect()) return refuse("cannot be reached");
  const OPENSSL_DECRYPT& decrypt = e->e.u.d;
  switch (e->e.optype) {
    case OPENSSL_OPERATION_SIGN:
      if (!append_sign(e)) return false;
      break;
    case OPENSSL_OPERATION_DECRYPT:
      append({next_id_, Operation::decrypt, 0, 0, static_cast<std::uint32_t>(decrypt.ciphertext_len), ""}, decrypt.ciphertext);
      break;
    default: return refuse("does not do that");
  }
  waiting_[next_id_++] = {e, completions};
  flush();  // what the socket does not take now, handle() sends later
  return true;
}

// The digest travels, not the message, which is longer; Ed25519 wants the message.
bool RemoteKey::append_sign(OPENSSL_EVENT* e) {
  const OPENSSL_SIGN& sign = e->e.u.s;
  unsigned char digest[EVP_MAX_MD_SIZE];
  std::size_t len = 0;
  Request request = {next_id_, Operation::sign, sign.padding, sign.salt_length, static_cast<std::uint32_t>(sign.tbs_len), ""};
  if (!sign.digest) {
    if (sign.tbs_len > kMaxLength) return refuse("the message is too long");
    append(request, sign.tbs);
    return true;
  }
  if (std::strlen(sign.digest) >= sizeof request.digest || !openssl_hashOperand(e, digest, &len)) return refuse("no such digest");
  std::strcpy(request.digest, sign.digest);
  request.length = static_cast<std::uint32_t>(len);
  append(request, digest);
  return true;
}

void RemoteKey::append(const Request& request, const unsigned char* bytes) {
  unsent_.append(reinterpret_cast<const char*>(&request), sizeof request);
  unsent_.append(reinterpret_cast<const char*>(bytes), request.length);
}

// Over a socket of this machine this does not block; a client of the network connects without blocking too.
bool RemoteKey::connect() {
  if (fd_ >= 0) return true;
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path) return false;
  std::strcpy(address.sun_path, path_.c_str());
  fd_ = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ >= 0 && ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return true;
  disconnect("cannot be reached");
  return false;
}

void RemoteKey::disconnect(const char* reason) {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  unsent_.clear();
  received_.clear();
  for (const auto& [id, waiting] : waiting_) end(waiting.call, waiting.completions, reason);
  waiting_.clear();
}

short RemoteKey::events() const { return static_cast<short>(POLLIN | (unsent_.empty() ? 0 : POLLOUT)); }

void RemoteKey::handle() {
  if (fd_ >= 0 && (!flush() || !receive())) disconnect("the key server is gone");
}

bool RemoteKey::flush() {
  const ssize_t n = send(fd_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
  if (n > 0) unsent_.erase(0, static_cast<std::size_t>(n));
  return n >= 0 || errno == EAGAIN || errno == EINTR;
}

bool RemoteKey::receive() {
  char buffer[16384];
  const ssize_t n = read(fd_, buffer, sizeof buffer);
  if (n == 0) return false;
  if (n < 0) return errno == EAGAIN || errno == EINTR;
  received_.append(buffer, static_cast<std::size_t>(n));
  Answer answer;
  while (received_.size() >= sizeof answer) {
    std::memcpy(&answer, received_.data(), sizeof answer);
    if (answer.length > kMaxLength) return false;
    if (received_.size() < sizeof answer + answer.length) break;
    finish(answer, reinterpret_cast<const unsigned char*>(received_.data()) + sizeof answer);
    received_.erase(0, sizeof answer + answer.length);
  }
  return true;
}

void RemoteKey::finish(const Answer& answer, const unsigned char* bytes) {
  const auto found = waiting_.find(answer.id);
  if (found == waiting_.end()) return;
  const Waiting waiting = found->second;
  waiting_.erase(found);
  std::size_t size = 0, *len = nullptr;
  unsigned char* result = result_of(waiting.call->e, size, len);
  if (answer.length > size) return end(waiting.call, waiting.completions, "the key server's answer is too long");
  std::memcpy(result, bytes, answer.length);
  *len = answer.length;
  // What cannot be decrypted is no failure: it becomes a random secret, like a bad padding.
  const bool failed = answer.length == 0 && waiting.call->e.optype == OPENSSL_OPERATION_SIGN;
  end(waiting.call, waiting.completions, failed ? "the key server refuses" : nullptr);
}

}  // namespace key_server
