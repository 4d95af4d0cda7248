// Another program, for as long as a test needs it.
#ifndef TESTS_INTEROP_CHILD_H
#define TESTS_INTEROP_CHILD_H

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

namespace openssl_event::interop {

// No wait in these tests ends in success because of the time; this one only bounds a failure on a slow machine.
inline constexpr int kPatienceSeconds = 60;

class Child {
 public:
  // Where its data comes from and goes to. Empty: write(), output().
  struct Files {
    std::string input;
    std::string output;
    std::string directory;  // where it works
  };

  explicit Child(std::vector<std::string> command) : Child(std::move(command), Files{}) {}
  Child(std::vector<std::string> command, const Files& files);
  ~Child();  // ends the process, if it has not
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void write(std::string_view text);
  void close_input();

  // What it has said so far: standard error and, unless that is a file, standard output.
  const std::string& output() const { return output_; }
  bool said(std::string_view text) const { return output_.find(text) != std::string::npos; }
  int times_said(std::string_view text) const;
  bool closed_output() const { return output_fd_ < 0; }

  // Takes what is there, without waiting.
  void read();
  int output_fd() const { return output_fd_; }  // -1: it has closed its output

  // Waits, within kPatienceSeconds.
  bool wait_until_said(std::string_view text);
  bool wait_for_end();
  int exit_status() const { return exit_status_; }  // after wait_for_end; -1: ended by a signal

 private:
  bool collect();

  pid_t pid_ = -1;
  int input_fd_ = -1;
  int output_fd_ = -1;
  int exit_status_ = -1;
  std::string output_;
};

}  // namespace openssl_event::interop

#endif
