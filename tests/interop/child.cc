#include "tests/interop/child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <system_error>

namespace openssl_event::interop {
namespace {

using Clock = std::chrono::steady_clock;

void require(bool done, const char* what) {
  if (!done) throw std::system_error(errno, std::generic_category(), what);
}

struct Pipe {
  int ends[2];
  Pipe() { require(pipe2(ends, O_CLOEXEC) == 0, "pipe2"); }
};

// Files or pipes become the child's standard input, output and error.
class Actions {
 public:
  Actions() { posix_spawn_file_actions_init(&actions_); }
  ~Actions() { posix_spawn_file_actions_destroy(&actions_); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
  void from_file(int fd, const std::string& path, int flags) {
    posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), flags, 0600);
  }
  void from_fd(int fd, int source) { posix_spawn_file_actions_adddup2(&actions_, source, fd); }
  void change_directory(const std::string& path) { posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

}  // namespace

Child::Child(std::vector<std::string> command, const Files& files) {
  signal(SIGPIPE, SIG_IGN);  // a peer that has ended must not end the test
  Pipe input, output;
  Actions actions;
  files.input.empty() ? actions.from_fd(0, input.ends[0]) : actions.from_file(0, files.input, O_RDONLY);
  files.output.empty() ? actions.from_fd(1, output.ends[1])
                       : actions.from_file(1, files.output, O_WRONLY | O_CREAT | O_TRUNC);
  actions.from_fd(2, output.ends[1]);
  if (!files.directory.empty()) actions.change_directory(files.directory);
  std::vector<char*> arguments;
  for (std::string& word : command) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  errno = posix_spawnp(&pid_, arguments[0], actions.get(), nullptr, arguments.data(), environ);
  close(input.ends[0]);
  close(output.ends[1]);
  input_fd_ = input.ends[1];
  output_fd_ = output.ends[0];
  require(errno == 0, "posix_spawnp");
  fcntl(output_fd_, F_SETFL, O_NONBLOCK);
}

Child::~Child() {
  close_input();
  if (output_fd_ >= 0) close(output_fd_);
  if (pid_ < 0 || collect()) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::write(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(input_fd_, text.data(), text.size());
    if (count < 0) return;  // it has ended: what it said tells why
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

void Child::close_input() {
  if (input_fd_ >= 0) close(input_fd_);
  input_fd_ = -1;
}

int Child::times_said(std::string_view text) const {
  int times = 0;
  for (std::size_t at = 0; (at = output_.find(text, at)) != std::string::npos; at += text.size()) ++times;
  return times;
}

void Child::read() {
  char bytes[16384];
  while (output_fd_ >= 0) {
    const ssize_t count = ::read(output_fd_, bytes, sizeof bytes);
    if (count < 0 && errno == EAGAIN) return;
    if (count <= 0) {
      close(output_fd_);
      output_fd_ = -1;
      return;
    }
    output_.append(bytes, static_cast<std::size_t>(count));
  }
}

bool Child::wait_until_said(std::string_view text) {
  const auto deadline = Clock::now() + std::chrono::seconds(kPatienceSeconds);
  for (;;) {
    read();
    if (said(text)) return true;
    if (closed_output() || Clock::now() > deadline) return false;
    pollfd waited{output_fd_, POLLIN, 0};
    poll(&waited, 1, 1000);
  }
}

bool Child::wait_for_end() {
  const auto deadline = Clock::now() + std::chrono::seconds(kPatienceSeconds);
  while (!collect()) {
    read();
    if (Clock::now() > deadline) return false;
    pollfd waited{output_fd_, POLLIN, 0};  // its end shows here; with the output closed before, the bound of time does
    poll(&waited, 1, output_fd_ >= 0 ? 1000 : 10);
  }
  read();
  return true;
}

// True once the process has ended.
bool Child::collect() {
  if (pid_ < 0) return true;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
  exit_status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  pid_ = -1;
  return true;
}

}  // namespace openssl_event::interop
