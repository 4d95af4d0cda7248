// An OCSP responder for whose answers a test says how long they hold, and when they come. Every certificate is good.
#ifndef TESTS_EXAMPLES_OCSP_RESPONDER_H
#define TESTS_EXAMPLES_OCSP_RESPONDER_H

#include <openssl/ocsp.h>

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

class OcspResponder {
 public:
  // Signs as the CA of these PEM files does. nextUpdate is `seconds` after thisUpdate.
  OcspResponder(const std::string& certificate_file, const std::string& key_file, int seconds);
  ~OcspResponder();
  OcspResponder(const OcspResponder&) = delete;
  OcspResponder& operator=(const OcspResponder&) = delete;

  std::string url() const;
  int requests();

  // Requests that come from now on wait for their answers, until let_go.
  void hold() { set_held(true); }
  void let_go() { set_held(false); }

 private:
  void serve();
  void answer(int fd);
  std::string response_to(const std::string& request);
  void set_held(bool held);

  X509* certificate_ = nullptr;
  EVP_PKEY* key_ = nullptr;
  const int seconds_;
  int port_ = 0;
  const int listener_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int requests_ = 0;
  bool held_ = false;
  std::thread thread_;
};

#endif
