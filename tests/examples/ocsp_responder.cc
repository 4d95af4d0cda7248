#include "tests/examples/ocsp_responder.h"

#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/examples/socket.h"

namespace {

template <typename T>
T* read_pem(const std::string& file, T* (*parse)(BIO*, T**, pem_password_cb*, void*)) {
  BIO* in = BIO_new_file(file.c_str(), "r");
  T* object = in ? parse(in, nullptr, nullptr, nullptr) : nullptr;
  EXPECT_NE(object, nullptr) << file;
  BIO_free(in);
  return object;
}

// The body of a request with Content-Length; "" if it does not come.
std::string read_body(int fd) {
  const std::string field = "Content-Length: ";
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n <= 0) return "";
    text.append(buffer, static_cast<std::size_t>(n));
    const std::size_t end = text.find("\r\n\r\n"), length = text.find(field);
    if (end == std::string::npos || length > end) continue;
    const std::size_t size = std::strtoul(text.c_str() + length + field.size(), nullptr, 10);
    if (text.size() >= end + 4 + size) return text.substr(end + 4, size);
  }
}

void write_all(int fd, const std::string& text) {
  for (std::size_t sent = 0; sent < text.size();) {
    const ssize_t n = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;
    sent += static_cast<std::size_t>(n);
  }
}

}  // namespace

OcspResponder::OcspResponder(const std::string& certificate_file, const std::string& key_file, int seconds)
    : certificate_(read_pem(certificate_file, PEM_read_bio_X509)),
      key_(read_pem(key_file, PEM_read_bio_PrivateKey)),
      seconds_(seconds),
      listener_(listen_on_loopback(port_)),
      thread_([this] { serve(); }) {}

OcspResponder::~OcspResponder() {
  let_go();
  shutdown(listener_, SHUT_RDWR);
  thread_.join();
  close(listener_);
  EVP_PKEY_free(key_);
  X509_free(certificate_);
}

std::string OcspResponder::url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/"; }

int OcspResponder::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void OcspResponder::set_held(bool held) {
  const std::lock_guard lock(mutex_);
  held_ = held;
  changed_.notify_all();
}

void OcspResponder::serve() {
  for (int fd; (fd = accept(listener_, nullptr, nullptr)) >= 0; close(fd)) answer(fd);
}

void OcspResponder::answer(int fd) {
  const std::string body = read_body(fd);
  {
    std::unique_lock lock(mutex_);
    ++requests_;
    changed_.wait(lock, [this] { return !held_; });
  }
  const std::string response = response_to(body);
  write_all(fd, "HTTP/1.0 200 OK\r\nContent-Type: application/ocsp-response\r\nContent-Length: " +
                    std::to_string(response.size()) + "\r\n\r\n" + response);
}

std::string OcspResponder::response_to(const std::string& der) {
  const auto* in = reinterpret_cast<const unsigned char*>(der.data());
  OCSP_REQUEST* request = d2i_OCSP_REQUEST(nullptr, &in, static_cast<long>(der.size()));
  OCSP_BASICRESP* basic = OCSP_BASICRESP_new();
  ASN1_TIME* now = X509_gmtime_adj(nullptr, 0);
  ASN1_TIME* later = X509_gmtime_adj(nullptr, seconds_);
  for (int i = 0; i < OCSP_request_onereq_count(request); ++i)
    OCSP_basic_add1_status(basic, OCSP_onereq_get0_id(OCSP_request_onereq_get0(request, i)), V_OCSP_CERTSTATUS_GOOD, 0,
                           nullptr, now, later);
  OCSP_basic_sign(basic, certificate_, key_, EVP_sha256(), nullptr, 0);
  OCSP_RESPONSE* response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  unsigned char* out = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &out);
  std::string text(reinterpret_cast<const char*>(out), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(out);
  OCSP_RESPONSE_free(response);
  ASN1_TIME_free(later);
  ASN1_TIME_free(now);
  OCSP_BASICRESP_free(basic);
  OCSP_REQUEST_free(request);
  return text;
}
