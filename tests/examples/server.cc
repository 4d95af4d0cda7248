#include "tests/examples/server.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <thread>

namespace {

Command joined(Command first, const Command& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

}  // namespace

Server::Server(const Command& command) : process_(command) {
  if (!process_.wait_for_output("listening on ")) {
    ADD_FAILURE() << command[0] << " does not listen: " << process_.errors();
    return;
  }
  process_.wait_for_output("\n");
  const std::string name = between(process_.output(), "listening on ", "\n");
  port_ = std::atoi(name.substr(name.rfind(':') + 1).c_str());
}

std::string Server::get(const std::string& path) {
  const Result result = run(curl({url(path)}));
  EXPECT_EQ(result.status, 0) << path << ": " << result.errors;
  return result.output;
}

double Server::metric(const std::string& name) {
  std::istringstream lines(get("/metrics"));
  for (std::string line; std::getline(lines, line);)
    if (line.rfind(name + " ", 0) == 0) return std::atof(line.c_str() + name.size() + 1);
  return -1;
}

bool Server::wait_for_metric(const std::string& name, double value) {
  for (int i = 0; i < 300; ++i) {
    if (metric(name) == value) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return false;
}

long Server::resident_kib() const {
  std::ifstream file("/proc/" + std::to_string(process_.pid()) + "/status");
  std::stringstream text;
  text << file.rdbuf();
  return std::atol(between(text.str(), "VmRSS:", "kB").c_str());
}

int Server::stop() {
  process_.signal(SIGTERM);
  return process_.wait();
}

std::string https_server_program() {
  const char* program = std::getenv("HTTPS_SERVER");
  return program ? program : "examples/https_server";
}

Command https_server(const Command& flags) { return joined({https_server_program(), "--port", "0"}, flags); }

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n"; }

Command curl(const Command& arguments) { return joined({"curl", "-sSk", "--max-time", "40"}, arguments); }

Command s_client(const Server& server, const Command& arguments) {
  return joined({"openssl", "s_client", "-connect", server.address()}, arguments);
}
