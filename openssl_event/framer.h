// Bytes from the network become RECORD_INs, in whatever portions they arrive.
#ifndef OPENSSL_EVENT_FRAMER_H
#define OPENSSL_EVENT_FRAMER_H

#include <cstddef>

#include "openssl_event/event.h"

namespace openssl_event {

// A receive buffer that several RECORD_INs share; the last one of its users frees it.
class Chunk {
 public:
  // As one who cuts records out of it, which it then has kMost references for.
  static Chunk* create(std::size_t size) noexcept;
  static constexpr int kMost = 1 << 20;
  // Gives up references: a record its one, who cuts what is left of kMost. Any thread.
  void unref(int references = 1) noexcept;
  char* data() noexcept { return begin_of_line(reinterpret_cast<char*>(this + 1)); }
  std::size_t size() const noexcept { return size_; }

 private:
  Chunk(std::size_t size, std::uint8_t size_class) noexcept : size_class_(size_class), size_(size) {}
  std::atomic<int> references_{kMost};
  std::uint8_t size_class_;  // of its memory
  std::size_t size_;
};

// Finds where records end and judges nothing: bytes that are no record go on as they are, for libssl to refuse.
class Framer {
 public:
  Framer() = default;
  Framer(const Framer&) = delete;
  Framer& operator=(const Framer&) = delete;
  ~Framer() { drop_chunk(); }

  // What comes is a server's: an SSLv2-format hello is no hello.
  void from_server() noexcept { first_ = false; }

  // Copies from `buf` up to the end of one record. See openssl_buildFrame.
  Event* frame(const char* buf, std::size_t len, std::size_t* taken) noexcept;

  // Room for at least one byte to be read into; nullptr without memory.
  char* space(std::size_t* room) noexcept;
  bool filled(std::size_t len) noexcept;
  bool has_whole() noexcept { return pending() && missing() == 0; }
  // The record that is whole; nullptr without memory, or if there is none.
  Event* next() noexcept;

  // The transport has ended: the bytes of a record cut short; nullptr if there are none, or without memory.
  Event* rest() noexcept;
  bool has_rest() const noexcept { return begin_ != end_; }

 private:
  std::size_t pending() const noexcept { return end_ - begin_; }
  const unsigned char* head() const noexcept;
  std::size_t unit_size(const unsigned char* bytes, std::size_t len) noexcept;
  std::size_t missing() noexcept;
  bool make_room(std::size_t needed) noexcept;
  Event* slice(std::size_t size) noexcept;
  void drop_chunk() noexcept;

  Chunk* chunk_ = nullptr;  // none while no bytes are pending
  int references_ = 0;      // that we have to it: counted here, a record costs no atomic operation
  std::size_t begin_ = 0;   // bytes of the chunk that are in no record yet
  std::size_t end_ = 0;
  bool unframed_ = false;   // this is no TLS: everything goes on as it comes
  bool first_ = true;       // an SSLv2-format ClientHello can only come first
};

}  // namespace openssl_event

#endif
