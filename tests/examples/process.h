// Programs run by tests: started, talked to, waited for with a limit of time, and never left behind.
#ifndef TESTS_EXAMPLES_PROCESS_H
#define TESTS_EXAMPLES_PROCESS_H

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

using Command = std::vector<std::string>;

class Process {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr auto kPatience = std::chrono::seconds(50);

  explicit Process(const Command& command);
  ~Process();  // kills it if it still runs
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  // Waits until the standard output holds `text`; false: it ended, or time is over.
  bool wait_for_output(const std::string& text);
  bool wait_for_errors(const std::string& text);  // the same of the standard error

  void write(const std::string& text);
  void close_input();
  void signal(int number) const { kill(number); }

  // Closes its input and waits for its end: the exit status, 128 + n for a signal n, -1 if it had to be killed.
  int wait();

  const std::string& output() const { return output_; }
  const std::string& errors() const { return errors_; }
  pid_t pid() const { return pid_; }

 private:
  void kill(int number) const;
  bool read_some(Clock::time_point deadline);

  pid_t pid_ = -1;
  int input_fd_ = -1, output_fd_ = -1, errors_fd_ = -1;
  std::string output_, errors_;
  Clock::time_point deadline_ = Clock::now() + kPatience;
};

struct Result {
  int status;
  std::string output;
  std::string errors;
};

// Runs a program to its end, with `input` as all of its standard input.
Result run(const Command& command, const std::string& input = "");

bool contains(const std::string& text, const std::string& part);

// The text between `before` and the next `after`; "" if they are not there.
std::string between(const std::string& text, const std::string& before, const std::string& after);

#endif
