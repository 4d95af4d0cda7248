// A TLS server on plain libssl that gives one connection a given answer, and ends it as it is told.
#ifndef TESTS_EXAMPLES_ANSWERING_SERVER_H
#define TESTS_EXAMPLES_ANSWERING_SERVER_H

#include <string>
#include <thread>

class AnsweringServer {
 public:
  // Listens. After the first request it sends `answer`, then close_notify if `in_order`, and closes.
  AnsweringServer(const std::string& certificate_file, const std::string& key_file, const std::string& answer, bool in_order);
  ~AnsweringServer();
  AnsweringServer(const AnsweringServer&) = delete;
  AnsweringServer& operator=(const AnsweringServer&) = delete;

  int port() const { return port_; }

 private:
  void serve(const std::string& certificate_file, const std::string& key_file, const std::string& answer, bool in_order);

  int listener_;
  int port_ = 0;
  std::thread thread_;
};

#endif
