// What the environment asks for.
#ifndef COMPAT_SETTINGS_H
#define COMPAT_SETTINGS_H

namespace openssl_event::compat {

enum class Offload {
  off,
  sign,  // what needs the private key
  all    // key shares and verifications too
};

// What a non-blocking program sees while its private-key operation is with a worker.
enum class Nonblocking {
  edge,    // WANT_WRITE, and a fresh EPOLLOUT edge when it is done
  wait,    // nothing: the call takes as long as the operation
  inline_  // nothing: the operation runs in the program's own thread
};

// Whether records of application data are sealed and opened without libssl.
enum class RecordsTaken {
  on,      // once a connection has moved so much that it is worth the keys
  off,
  always   // from the first record on
};

struct Settings {
  unsigned workers = 0;  // 0: one for each processor
  unsigned nice = 10;    // by how much workers are nicer than the program, whose event loop goes first
  Offload offload = Offload::sign;
  Nonblocking nonblocking = Nonblocking::edge;
  RecordsTaken record_path = RecordsTaken::on;
  const char* statistics = nullptr;  // a file's name, or "stderr"
  int statistics_signal = 0;
  const char* trace = nullptr;       // likewise
};

// Read once, from OPENSSL_EVENT_*; secure_getenv, so that a set-user-id program ignores them. Any thread.
const Settings& settings() noexcept;

}  // namespace openssl_event::compat

#endif
