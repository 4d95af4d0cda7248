#include "tests/fuzz/peer.h"

#include <openssl/err.h>

#include <algorithm>

#include "tests/fuzz/check.h"
#include "tests/fuzz/machine.h"

namespace openssl_event::fuzz {

Peer::Peer(const Config& config)
    : ssl_(new_ssl(config, !config.client, Kind::plain)),
      from_network_(BIO_new(BIO_s_mem())),
      to_network_(BIO_new(BIO_s_mem())) {
  SSL_set_bio(ssl_, from_network_, to_network_);
  BIO_set_mem_eof_return(from_network_, -1);
  SSL_set_mode(ssl_, SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_ENABLE_PARTIAL_WRITE);
}

void Peer::receive(std::string_view bytes) {
  if (!bytes.empty()) BIO_write(from_network_, bytes.data(), static_cast<int>(bytes.size()));
}

std::string Peer::take_output() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(to_network_, &data);
  std::string output(data, static_cast<std::size_t>(std::max(size, 0L)));
  (void)BIO_reset(to_network_);
  return output;
}

// False if the SSL is dead or waits; notes which.
bool Peer::worked(int result) {
  if (result > 0) return true;
  const int error = SSL_get_error(ssl_, result);
  if (error == SSL_ERROR_SSL || error == SSL_ERROR_SYSCALL) failed_ = true;
  ERR_clear_error();
  return false;
}

void Peer::step() {
  ERR_clear_error();  // what the machine's application was refused is no failure of the peer's
  if (!failed_ && !SSL_is_init_finished(ssl_)) worked(SSL_do_handshake(ssl_));
  if (!failed_) read();
  if (!failed_ && SSL_is_init_finished(ssl_)) write_pending();
  const bool may_close = shut_down_ && finished_writing() && SSL_is_init_finished(ssl_);
  if (!failed_ && may_close && !(SSL_get_shutdown(ssl_) & SSL_SENT_SHUTDOWN))
    worked(std::max(SSL_shutdown(ssl_), -1) + 1);
  ERR_clear_error();
}

void Peer::read() {
  char bytes[4096];
  for (;;) {
    const int count = SSL_read(ssl_, bytes, sizeof bytes);
    if (!worked(count)) return;
    received_.append(bytes, static_cast<std::size_t>(count));
  }
}

void Peer::write_pending() {
  while (written_ < to_write_) {
    std::string block(std::min<std::size_t>(to_write_ - written_, 9000), '\0');
    for (std::size_t i = 0; i < block.size(); ++i) block[i] = stream_byte(written_ + i, kFromPeer);
    const int count = SSL_write(ssl_, block.data(), static_cast<int>(block.size()));
    if (!worked(count)) return;
    written_ += static_cast<std::size_t>(count);
  }
}

void Peer::update_key(bool both) {
  if (!failed_ && SSL_key_update(ssl_, both ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED))
    SSL_do_handshake(ssl_);
  ERR_clear_error();
}

void Peer::renegotiate() {
  if (!failed_ && SSL_version(ssl_) < TLS1_3_VERSION && SSL_is_init_finished(ssl_) && SSL_renegotiate(ssl_))
    SSL_do_handshake(ssl_);
  ERR_clear_error();
}

std::string Network::carry(std::string_view bytes) {
  partial_.append(bytes);
  std::string out;
  for (;;) {
    if (partial_.size() < 5) return out;
    const auto* header = reinterpret_cast<const unsigned char*>(partial_.data());
    const std::size_t size = 5 + static_cast<std::size_t>(header[3] << 8 | header[4]);
    if (partial_.size() < size) return out;
    std::string record = partial_.substr(0, size);
    partial_.erase(0, size);
    if (!orders_.empty() && orders_.front().after-- == 0) {
      const Order order = orders_.front();
      orders_.pop_front();
      apply(order, record, out);
    }
    out += record;
  }
}

void Network::apply(const Order& order, std::string& record, std::string& out) const {
  const std::size_t place = order.place % record.size();
  switch (order.damage) {
    case Damage::flip:
      record[place] = static_cast<char>(record[place] ^ std::max(order.value & 0xff, 1u));
      return;
    case Damage::cut:
      record.resize(place);
      return;
    case Damage::drop:
      record.clear();
      return;
    case Damage::repeat:
      out += record;
      return;
    case Damage::insert:
      out += std::string("\x15\x03\x03\0\2", 5) + static_cast<char>(order.place) + static_cast<char>(order.value);
      return;
    case Damage::retype:
      record[0] = static_cast<char>(20 + order.value % 5);
      return;
  }
}

}  // namespace openssl_event::fuzz
