#include "examples/https_server/threads.h"

#include <unistd.h>

#include <fstream>

namespace https {

std::string thread_name(unsigned long thread) {
  if (thread == static_cast<unsigned long>(gettid())) return "network thread";
  std::ifstream file("/proc/self/task/" + std::to_string(thread) + "/comm");
  std::string name;
  if (std::getline(file, name)) return name;
  return "thread " + std::to_string(thread);
}

}  // namespace https
