// Ticket keys from a file that several servers share: keys of 80 bytes, one after the other. The first one makes
// tickets, all of them open them: to rotate, put a new one in front, and take the last one away. Read again when the
// file changes.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_TICKET_KEYS_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_TICKET_KEYS_H

#include <chrono>
#include <mutex>
#include <string>

#include "examples/https_server/lookups/counters.h"
#include "openssl_event/openssl_event.h"

namespace https {

// Any thread.
class TicketKeys {
 public:
  TicketKeys(std::string file, LookupCounters& counters) : file_(std::move(file)), counters_(counters) {}
  ~TicketKeys();

  // Reads the file if it is due, and has changed. Blocks. False: it holds no keys; those from before stay.
  bool load();
  // A second has passed since the last load().
  bool is_due() const;
  // Answers from memory. False: the key of this ticket is not there, and e is not answered.
  bool answer(OPENSSL_EVENT* e) const;

 private:
  using Clock = std::chrono::steady_clock;
  const std::string file_;
  LookupCounters& counters_;
  mutable std::mutex mutex_;
  std::string keys_;
  Clock::time_point loaded_;
};

}  // namespace https

#endif
