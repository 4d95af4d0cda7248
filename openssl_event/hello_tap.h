// Keeps the ClientHello that libssl is reading, for the lookup that shows it: libssl itself keeps only the extensions
// that it knows.
#ifndef OPENSSL_EVENT_HELLO_TAP_H
#define OPENSSL_EVENT_HELLO_TAP_H

#include <openssl/ssl.h>

#include <cstddef>
#include <memory>

#include "openssl_event/openssl_records.h"

namespace openssl_event {

class HelloTap {
 public:
  // For a server whose context asks OPENSSL_LOOKUP_CLIENT_HELLO; nullptr for others, and without memory.
  static std::unique_ptr<HelloTap> create(const SSL* ssl) noexcept;
  ~HelloTap();
  HelloTap(const HelloTap&) = delete;
  HelloTap& operator=(const HelloTap&) = delete;

  // Bytes of the stream, as libssl reads them.
  void take(const char* data, std::size_t size) noexcept;

  // The handshake message that has come, with its header; 0 bytes: it is not whole, or could not be kept.
  const unsigned char* message() const noexcept { return data_; }
  std::size_t size() const noexcept;
  // The next message may come.
  void forget() noexcept { size_ = 0; }

 private:
  HelloTap() noexcept;
  static int take_fragment(OPENSSL_RECORD_PARSER* parser, const char* data, std::size_t size);
  bool append(const char* data, std::size_t size) noexcept;

  OPENSSL_RECORD_PARSER parser_;
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  bool lost_ = false;  // there was no memory, or it is too long to be a hello
};

}  // namespace openssl_event

#endif
