#include "tests/compat/differential/transport.h"

#include <openssl/bio.h>

#include <cstdlib>

#include "tests/compat/differential/bios.h"
#include "tests/compat/differential/sockets.h"

namespace openssl_event::testing {
namespace {

class Memory final : public Transport {
 public:
  Memory() : in_(BIO_new(BIO_s_mem())), out_(BIO_new(BIO_s_mem())) { BIO_set_mem_eof_return(in_, -1); }
  ~Memory() override {
    BIO_free(in_);
    BIO_free(out_);
  }
  void attach(SSL* ssl) override {
    BIO_up_ref(in_);
    BIO_up_ref(out_);
    SSL_set_bio(ssl, in_, out_);
  }
  void give(std::string_view bytes) override { BIO_write(in_, bytes.data(), static_cast<int>(bytes.size())); }
  void give_end() override { BIO_set_mem_eof_return(in_, 0); }
  std::string take() override {
    std::string bytes(BIO_ctrl_pending(out_), '\0');
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  long unread() override { return static_cast<long>(BIO_ctrl_pending(in_)); }

 private:
  BIO* in_;
  BIO* out_;
};

class Pair final : public Transport {
 public:
  Pair() { BIO_new_bio_pair(&inner_, 0, &outer_, 0); }
  ~Pair() override {
    BIO_free(inner_);
    BIO_free(outer_);
  }
  void attach(SSL* ssl) override {
    BIO_up_ref(inner_);
    SSL_set_bio(ssl, inner_, inner_);
  }
  void give(std::string_view bytes) override {
    rest_ += bytes;
    refill();
  }
  void give_end() override { BIO_shutdown_wr(outer_); }
  std::string take() override {
    std::string bytes(BIO_ctrl_pending(outer_), '\0');
    if (!bytes.empty()) BIO_read(outer_, bytes.data(), static_cast<int>(bytes.size()));
    refill();
    return bytes;
  }
  long unread() override { return static_cast<long>(BIO_ctrl_pending(inner_)); }

 private:
  void refill() {
    const int written = rest_.empty() ? 0 : BIO_write(outer_, rest_.data(), static_cast<int>(rest_.size()));
    if (written > 0) rest_.erase(0, static_cast<std::size_t>(written));
  }

  BIO* inner_ = nullptr;
  BIO* outer_ = nullptr;
  std::string rest_;
};

class Custom final : public Transport {
 public:
  void attach(SSL* ssl) override {
    BIO* bio = make_queue_bio(queues_);
    SSL_set_bio(ssl, bio, bio);
  }
  void give(std::string_view bytes) override { queues_.in += bytes; }
  void give_end() override { queues_.ended = true; }
  std::string take() override { return std::move(queues_.out); }
  long unread() override { return static_cast<long>(queues_.in.size()); }

 private:
  Queues queues_;
};

}  // namespace

const std::vector<std::string>& transport_names() {
  static const std::vector<std::string> names = {"fd",     "rfd-wfd", "socket-bio", "rbio-wbio", "filter",
                                                 "buffer", "unix-fd", "memory",     "pair",      "custom"};
  return names;
}

std::unique_ptr<Transport> make_transport(const std::string& name) {
  if (name == "memory") return std::make_unique<Memory>();
  if (name == "pair") return std::make_unique<Pair>();
  if (name == "custom") return std::make_unique<Custom>();
  return make_socket_transport(name);
}

}  // namespace openssl_event::testing
