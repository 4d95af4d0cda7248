// A server among the examples, run by a test on a port of its own.
#ifndef TESTS_EXAMPLES_SERVER_H
#define TESTS_EXAMPLES_SERVER_H

#include <string>

#include "tests/examples/process.h"

class Server {
 public:
  // Runs the command, and waits until it listens. port() is 0 if it does not.
  explicit Server(const Command& command);

  int port() const { return port_; }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  std::string url(const std::string& path) const { return "https://" + address() + path; }
  Process& process() { return process_; }

  // The body that curl gets; a failure of curl is one of the test.
  std::string get(const std::string& path);

  // The value of a line of /metrics, of this name with its labels; -1 if there is none.
  double metric(const std::string& name);

  // Waits until the metric has this value; false if that takes too long.
  bool wait_for_metric(const std::string& name, double value);

  // The memory that it has, in KiB.
  long resident_kib() const;

  // SIGTERM, and the exit status.
  int stop();

 private:
  Process process_;
  int port_ = 0;
};

// The server that this test is of: one of the examples, by its loop. HTTPS_SERVER names it; else examples/https_server.
std::string https_server_program();

// Its command on any free port.
Command https_server(const Command& flags = {});

// A request by GET, as a client sends it.
std::string get(const std::string& path);

// The command of curl, as all tests use it: quiet, without verification, with a limit of time.
Command curl(const Command& arguments);

// The command of openssl s_client for that server.
Command s_client(const Server& server, const Command& arguments = {});

#endif
