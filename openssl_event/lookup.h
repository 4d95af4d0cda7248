// A question that libssl asks by callback, as a LOOKUP event: what the event owns, and what the callback gets back.
#ifndef OPENSSL_EVENT_LOOKUP_H
#define OPENSSL_EVENT_LOOKUP_H

#include <cstddef>
#include <cstdint>
#include <utility>

#include "openssl_event/event.h"

namespace openssl_event {

enum class Answer : std::uint8_t {
  missing,  // it came back unanswered
  failed,
  cancelled,  // the connection is being freed
  unasked,    // there is nobody to be asked, or nothing that could wait
  by_default,
  none,
  accept,
  alert,
  value  // what the question asks for
};

// A copy of some bytes, wiped at its end.
class Bytes {
 public:
  Bytes() = default;
  Bytes(const Bytes&) = delete;
  Bytes& operator=(const Bytes&) = delete;
  ~Bytes() { clear(); }

  // False: no memory, and the error queue says so. A NUL byte follows what is copied.
  bool copy(const void* data, std::size_t size) noexcept;
  bool reserve(std::size_t size) noexcept;
  void clear() noexcept;

  unsigned char* data() noexcept { return data_; }
  const unsigned char* data() const noexcept { return data_; }
  const char* text() const noexcept { return data_ ? reinterpret_cast<const char*>(data_) : ""; }
  std::size_t size() const noexcept { return size_; }

 private:
  unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Owns copies of, or references to, the operands, and the answer. The event owns it, and may outlive the connection.
// While the event is out only who holds it touches this.
class Lookup {
 public:
  explicit Lookup(int asked) noexcept : question(asked) {}
  virtual ~Lookup() = default;
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;

  // Points the operands of the event into this object.
  virtual void expose(OPENSSL_LOOKUP& lookup) const noexcept = 0;

  const int question;
  Answer answer = Answer::missing;
  int alert = 0;
  OPENSSL_ERROR error = {};  // the strings are the event's
  Bytes server_name;
};

inline Lookup& lookup_of(const Event* e) noexcept { return *static_cast<Lookup*>(e->release_argument); }

// What comes of asking.
class Reply {
 public:
  explicit Reply(Answer answer) noexcept : answer_(answer) {}
  explicit Reply(Event* e) noexcept : event_(e), answer_(lookup_of(e).answer) {}
  Reply(Reply&& other) noexcept : event_(std::exchange(other.event_, nullptr)), answer_(other.answer_) {}
  Reply& operator=(const Reply&) = delete;
  ~Reply() { destroy_event(event_); }

  Answer answer() const noexcept { return answer_; }
  bool has_value() const noexcept { return answer_ == Answer::value; }
  // As if the callback were not there.
  bool is_default() const noexcept { return answer_ == Answer::unasked || answer_ == Answer::by_default; }
  int alert() const noexcept { return lookup_of(event_).alert; }
  // What was asked, with the answer in it; if there is one.
  template <class Question>
  Question& as() noexcept {
    return static_cast<Question&>(lookup_of(event_));
  }

 private:
  Event* event_ = nullptr;
  Answer answer_;
};

}  // namespace openssl_event

#endif
