// A whole connection among hostile bytes, a hostile network, and an application with odd habits.
//
// Input: two bytes of settings, then a program of commands, one byte each with its operands (see Scenario::command).
// What is checked: Machine checks what the header says of every event; a peer's and the machine's cleartext arrives
// unchanged, and all of it if nobody did any harm; on raw bytes the machine writes what a plain libssl writes, and
// fails for the same reason.
#include <openssl/err.h>

#include <optional>

#include "tests/fuzz/check.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/machine.h"
#include "tests/fuzz/peer.h"

namespace openssl_event::fuzz {
namespace {

constexpr int kMostCommands = 100;
constexpr std::size_t kMostCleartext = 200000;

Config read_config(Input& input) {
  const unsigned first = input.number8();
  const unsigned second = input.number8();
  Config config;
  config.client = first & 1;
  config.with_peer = first & 2;
  config.versions = static_cast<Versions>(first >> 2 & 3);
  config.client_certificate = first & 0x10;
  config.renegotiation = first & 0x20;
  config.small_windows = first & 0x40;
  config.small_budget = first & 0x80;
  config.hello_retry = second & 1;
  config.lookups = second & 2;
  return config;
}

bool is_prefix(const std::string& received, unsigned seed) {
  for (std::size_t i = 0; i < received.size(); ++i)
    if (received[i] != stream_byte(i, seed)) return false;
  return true;
}

class Scenario {
 public:
  explicit Scenario(Input& input) : input_(input), config_(read_config(input)), machine_(config_) {
    if (config_.with_peer) peer_.emplace(config_);
  }

  void run() {
    exchange();
    for (int i = 0; i < kMostCommands && !input_.empty() && !machine_.ended(); ++i) {
      command();
      exchange();
    }
    finish();
  }

 private:
  void command();
  void peer_command();
  void damage();
  void feed(std::string_view bytes);
  void exchange();
  void finish();
  void compare_with_plain();

  Input& input_;
  Config config_;
  Machine machine_;
  std::optional<Peer> peer_;
  Network network_;
  std::string fed_;  // raw bytes, all of them
  bool fed_ended_ = false;
  bool harmed_ = false;     // not everything need arrive
  bool odd_input_ = false;  // a plain libssl would not have seen the same bytes
};

void Scenario::command() {
  switch (const unsigned code = input_.number8(); code % 16) {
    case 0:
    case 1:
      return feed(input_.take(code & 0x80 ? input_.number16() : input_.number8()));
    case 2: {  // a header that fits what follows
      const unsigned type = input_.number8();
      const std::string body(input_.take(input_.number8()));
      return feed(std::string{static_cast<char>(20 + type % 5), 3, static_cast<char>(type >> 6), 0,
                              static_cast<char>(body.size())} +
                  body);
    }
    case 3:
      harmed_ = odd_input_ = true;
      return machine_.put_record(input_.take(input_.number8()));
    case 4:
    case 5: {
      const std::size_t size = input_.number16();
      if (machine_.accepted() + size <= kMostCleartext) machine_.put_cleartext(size);
      return;
    }
    case 6:
      return machine_.close_output();
    case 7:
      harmed_ = fed_ended_ = true;
      return machine_.end_input();
    case 8:
      if (code & 0x20) {
        if (machine_.renegotiate()) harmed_ = true;
      } else {
        machine_.update_key(code & 0x10);
      }
      return;
    case 9:
      return machine_.answer_calls(static_cast<CallPolicy>(input_.number8() % 6));
    case 10:
      return machine_.hold(code & 0x10, code & 0x20);
    case 11:
      return machine_.receive_by(code & 0x10, input_.number8());
    case 12:
      return machine_.set_windows(1 + (code >> 4 & 3), 1 + (code >> 6));
    case 13:
      return peer_command();
    case 14:
      return damage();
    case 15:
      if ((code & 0xc0) == 0xc0) machine_.end(code & 0x10);  // rare, since it ends the run
      return;
  }
}

void Scenario::peer_command() {
  const unsigned code = input_.number8();
  if (!peer_) return;
  switch (code % 8) {
    case 0:
      return peer_->shut_down();
    case 1:
    case 2:
      return peer_->update_key(code % 8 == 1);
    case 3:
      harmed_ = true;
      return peer_->renegotiate();
    default:
      const std::size_t size = input_.number16();
      if (peer_->written() + size <= kMostCleartext) peer_->write(size);
      return;
  }
}

void Scenario::damage() {
  const unsigned code = input_.number8();
  const unsigned place = input_.number16();
  network_.damage({code >> 4, static_cast<Damage>(code % 6), place, input_.number8()});
  harmed_ = true;
}

void Scenario::feed(std::string_view bytes) {
  harmed_ = true;
  if (fed_ended_) odd_input_ = true;
  fed_.append(bytes);
  machine_.receive(bytes);
}

// Until nobody has anything to say.
void Scenario::exchange() {
  for (;;) {
    const bool worked = machine_.pump();
    if (!peer_) return;
    peer_->receive(machine_.take_output());
    peer_->step();
    const std::string bytes = network_.carry(peer_->take_output());
    if (machine_.ended() || (bytes.empty() && !worked)) break;
    machine_.receive(bytes);
  }
  CHECK(is_prefix(machine_.received(), kFromPeer));
  CHECK(is_prefix(peer_->received(), kFromMachine));
}

void Scenario::finish() {
  if (machine_.ended()) return;
  machine_.answer_calls(CallPolicy::execute);
  machine_.hold(false, false);
  exchange();
  if (!peer_) return compare_with_plain();
  if (harmed_ || machine_.calls_failed()) return;
  CHECK(machine_.established() && !machine_.failed() && !peer_->failed());
  CHECK(peer_->finished_writing());
  CHECK(machine_.received().size() == peer_->written());
  CHECK(peer_->received().size() == machine_.accepted());
}

// The same bytes to an SSL on memory BIOs, but for a record that has not come whole: the framer keeps that, where a
// plain SSL would look at its beginning.
void Scenario::compare_with_plain() {
  if (odd_input_ || machine_.calls_failed() || machine_.answered_otherwise()) return;
  SSL* ssl = new_ssl(config_, config_.client, Kind::plain);
  SSL_set_options(ssl, SSL_OP_NO_RENEGOTIATION);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  SSL_set_bio(ssl, in, out);
  BIO_set_mem_eof_return(in, fed_ended_ ? 0 : -1);
  if (!fed_ended_) fed_.resize(machine_.record_bytes());
  if (!fed_.empty()) BIO_write(in, fed_.data(), static_cast<int>(fed_.size()));
  ERR_clear_error();
  const bool started = config_.client || !fed_.empty() || fed_ended_;
  const int result = started ? SSL_do_handshake(ssl) : -1;
  const int error = started ? SSL_get_error(ssl, result) : SSL_ERROR_WANT_READ;
  CHECK((error == SSL_ERROR_WANT_READ) == !machine_.failed());
  if (machine_.failed()) CHECK(ERR_GET_REASON(ERR_peek_error()) == ERR_GET_REASON(machine_.error_code()));
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  CHECK(machine_.take_output() == std::string_view(data, static_cast<std::size_t>(size)));
  ERR_clear_error();
  SSL_free(ssl);
}

}  // namespace
}  // namespace openssl_event::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace openssl_event::fuzz;
  static const bool prepared = (fix_random_bytes(), true);
  (void)prepared;
  Input input(data, size);
  Scenario(input).run();
  return 0;
}
