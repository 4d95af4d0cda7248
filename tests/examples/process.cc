#include "tests/examples/process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace {

[[noreturn]] void execute(const Command& command, int input, int output, int errors) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that is killed leaves nobody behind
  dup2(input, STDIN_FILENO);
  dup2(output, STDOUT_FILENO);
  dup2(errors, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  execvp(arguments[0], arguments.data());
  std::perror(arguments[0]);
  _exit(127);
}

void close_and_forget(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

// Appends what is there; at the end of the file closes it.
void append_from(int& fd, std::string& text) {
  char buffer[65536];
  const ssize_t n = read(fd, buffer, sizeof buffer);
  if (n > 0)
    text.append(buffer, static_cast<std::size_t>(n));
  else
    close_and_forget(fd);
}

}  // namespace

Process::Process(const Command& command) {
  std::signal(SIGPIPE, SIG_IGN);
  int input[2], output[2], errors[2];
  if (pipe2(input, O_CLOEXEC) || pipe2(output, O_CLOEXEC) || pipe2(errors, O_CLOEXEC)) std::abort();
  pid_ = fork();
  if (pid_ < 0) std::abort();
  if (pid_ == 0) execute(command, input[0], output[1], errors[1]);
  close(input[0]);
  close(output[1]);
  close(errors[1]);
  input_fd_ = input[1];
  output_fd_ = output[0];
  errors_fd_ = errors[0];
}

Process::~Process() {
  if (pid_ > 0) {
    kill(SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  close_and_forget(input_fd_);
  close_and_forget(output_fd_);
  close_and_forget(errors_fd_);
}

void Process::kill(int number) const {
  if (pid_ > 0) ::kill(pid_, number);
}

// False: both outputs have ended, or time is over.
bool Process::read_some(Clock::time_point deadline) {
  if (output_fd_ < 0 && errors_fd_ < 0) return false;
  pollfd fds[] = {{output_fd_, POLLIN, 0}, {errors_fd_, POLLIN, 0}};
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0 || poll(fds, 2, static_cast<int>(left)) <= 0) return false;
  if (fds[0].revents) append_from(output_fd_, output_);
  if (fds[1].revents) append_from(errors_fd_, errors_);
  return true;
}

bool Process::wait_for_output(const std::string& text) {
  while (!contains(output_, text))
    if (!read_some(deadline_)) return false;
  return true;
}

bool Process::wait_for_errors(const std::string& text) {
  while (!contains(errors_, text))
    if (!read_some(deadline_)) return false;
  return true;
}

void Process::write(const std::string& text) {
  std::size_t written = 0;
  while (written < text.size()) {
    const ssize_t n = ::write(input_fd_, text.data() + written, text.size() - written);
    if (n <= 0) return;
    written += static_cast<std::size_t>(n);
  }
}

void Process::close_input() { close_and_forget(input_fd_); }

int Process::wait() {
  close_input();
  while (read_some(deadline_)) {
  }
  const bool ended = output_fd_ < 0 && errors_fd_ < 0;
  if (!ended) kill(SIGKILL);
  int status = 0;
  waitpid(pid_, &status, 0);
  pid_ = -1;
  if (!ended) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Result run(const Command& command, const std::string& input) {
  Process process(command);
  process.write(input);
  const int status = process.wait();
  return {status, process.output(), process.errors()};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::string between(const std::string& text, const std::string& before, const std::string& after) {
  const std::size_t found = text.find(before);
  if (found == std::string::npos) return "";
  const std::size_t begin = found + before.size();
  const std::size_t end = text.find(after, begin);
  return end == std::string::npos ? "" : text.substr(begin, end - begin);
}
