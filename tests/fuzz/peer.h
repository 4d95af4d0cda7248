// A plain libssl at the other end, and the network between, which may do what it likes to records.
#ifndef TESTS_FUZZ_PEER_H
#define TESTS_FUZZ_PEER_H

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "tests/fuzz/contexts.h"

namespace openssl_event::fuzz {

class Peer {
 public:
  explicit Peer(const Config& config);
  ~Peer() { SSL_free(ssl_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void write(std::size_t size) { to_write_ += shut_down_ ? 0 : size; }
  void shut_down() { shut_down_ = true; }
  void update_key(bool both);
  void renegotiate();

  void receive(std::string_view bytes);
  // Goes on as far as it can.
  void step();
  std::string take_output();

  bool failed() const { return failed_; }
  bool finished_writing() const { return written_ == to_write_; }
  std::size_t written() const { return written_; }
  const std::string& received() const { return received_; }

 private:
  void read();
  void write_pending();
  bool worked(int result);

  SSL* ssl_;
  BIO* from_network_;
  BIO* to_network_;
  std::size_t to_write_ = 0, written_ = 0;
  bool shut_down_ = false, failed_ = false;
  std::string received_;
};

enum class Damage { flip, cut, drop, repeat, insert, retype };

// Cuts the peer's bytes into records and damages the chosen ones.
class Network {
 public:
  struct Order {
    unsigned after;  // so many records go through before
    Damage damage;
    unsigned place;
    unsigned value;
  };
  void damage(const Order& order) { orders_.push_back(order); }
  std::string carry(std::string_view bytes);

 private:
  void apply(const Order& order, std::string& record, std::string& out) const;

  std::string partial_;
  std::deque<Order> orders_;
};

}  // namespace openssl_event::fuzz

#endif
