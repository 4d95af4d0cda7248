// A TLS server on plain libssl that gives the requests of one connection a given answer, and ends it as it is told.
#ifndef TESTS_EXAMPLES_ANSWERING_SERVER_H
#define TESTS_EXAMPLES_ANSWERING_SERVER_H

#include <string>
#include <thread>

class AnsweringServer {
 public:
  enum class End {
    in_order,   // close_notify after the first answer
    abrupt,     // without one
    of_client,  // every request is answered, and every renegotiation done, until the client ends it
  };

  // Listens.
  AnsweringServer(const std::string& certificate_file, const std::string& key_file, const std::string& answer, End end);
  ~AnsweringServer();
  AnsweringServer(const AnsweringServer&) = delete;
  AnsweringServer& operator=(const AnsweringServer&) = delete;

  int port() const { return port_; }

 private:
  void serve(const std::string& certificate_file, const std::string& key_file, const std::string& answer, End end);

  int port_ = 0;
  const int listener_;
  std::thread thread_;
};

#endif
