#include "openssl_event/framer.h"

#include <openssl/err.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "openssl_event/event_memory.h"
#include "openssl_event/record_header.h"

namespace openssl_event {
namespace {

constexpr std::size_t kHeader = OPENSSL_RECORD_HEADER_SIZE;
// Two of the longest records: one that is being cut out and one that is arriving.
constexpr std::size_t kChunk = 2 * OPENSSL_MAX_RECORD;

// RFC 5246 E.2: a two-byte length with the highest bit set, then message type 1.
// OpenSSL 4.0 does not know it any more.
bool looks_like_an_sslv2_hello(const unsigned char* header) noexcept {
  return OPENSSL_VERSION_MAJOR < 4 && (header[0] & 0x80) && header[2] == 1;
}

void release_chunk(void* chunk) noexcept { static_cast<Chunk*>(chunk)->unref(); }

}  // namespace

Chunk* Chunk::create(std::size_t size) noexcept {
  const std::size_t total = sizeof(Chunk) + kCacheLine - 1 + size;
  const std::uint8_t size_class = event_memory_class(total);
  void* memory = take_event_memory(total, size_class);
  if (memory) return new (memory) Chunk(size, size_class);
  ERR_raise(ERR_LIB_USER, ERR_R_MALLOC_FAILURE);
  return nullptr;
}

void Chunk::unref(int references) noexcept {
  if (references_.fetch_sub(references, std::memory_order_acq_rel) != references) return;
  const std::uint8_t size_class = size_class_;
  this->~Chunk();
  give_back_event_memory(this, size_class);
}

// How long the unit is that begins at `bytes`; 0 while too little of it is there to tell.
std::size_t Framer::unit_size(const unsigned char* bytes, std::size_t len) noexcept {
  if (unframed_) return len;
  if (len < kHeader) return 0;
  if (looks_like_a_record(bytes)) {
    const std::size_t size = record_size(bytes);
    if (size <= OPENSSL_MAX_RECORD) return size;  // libssl refuses a longer one by its header alone
  } else if (first_ && looks_like_an_sslv2_hello(bytes)) {
    const std::size_t size = 2 + static_cast<std::size_t>((bytes[0] & 0x7f) << 8 | bytes[1]);
    if (size <= OPENSSL_MAX_RECORD) return std::max(size, kHeader);
  }
  unframed_ = true;
  return len;
}

const unsigned char* Framer::head() const noexcept {
  return chunk_ ? reinterpret_cast<const unsigned char*>(chunk_->data() + begin_) : nullptr;
}

// How many bytes the next unit still lacks, as far as can be told now.
std::size_t Framer::missing() noexcept {
  if (pending() < kHeader && !unframed_) return kHeader - pending();
  const std::size_t size = unit_size(head(), pending());
  return size > pending() ? size - pending() : 0;
}

void Framer::drop_chunk() noexcept {
  if (chunk_) chunk_->unref(references_);
  chunk_ = nullptr;
  begin_ = end_ = 0;
}

// Room for `needed` more bytes behind the pending ones, which move to a fresh chunk if theirs is too short.
bool Framer::make_room(std::size_t needed) noexcept {
  if (chunk_ && chunk_->size() - end_ >= needed) return true;
  Chunk* chunk = Chunk::create(std::max(kChunk, pending() + needed));
  if (!chunk) return false;
  const std::size_t kept = pending();
  if (kept) std::memcpy(chunk->data(), chunk_->data() + begin_, kept);
  drop_chunk();
  chunk_ = chunk;
  references_ = Chunk::kMost;
  end_ = kept;
  return true;
}

char* Framer::space(std::size_t* room) noexcept {
  if (!make_room(std::max<std::size_t>(missing(), 1))) return nullptr;
  *room = chunk_->size() - end_;
  return chunk_->data() + end_;
}

bool Framer::filled(std::size_t len) noexcept {
  if (!chunk_ || len > chunk_->size() - end_) return false;
  end_ += len;
  if (!pending()) drop_chunk();
  return true;
}

// A RECORD_IN over the next `size` pending bytes.
Event* Framer::slice(std::size_t size) noexcept {
  Event* e = make_event(OPENSSL_RECORD_IN_KIND, 0);
  if (!e) return nullptr;
  e->holder = Holder::application;
  e->pub.r.buf = chunk_->data() + begin_;
  e->pub.r.len = static_cast<int>(size);
  e->release = release_chunk;
  e->release_argument = chunk_;
  --references_;
  begin_ += size;
  first_ = false;
  if (!pending()) drop_chunk();  // so that an idle connection has none
  return e;
}

Event* Framer::next() noexcept {
  if (!pending()) return nullptr;
  const std::size_t size = unit_size(head(), pending());
  return size && size <= pending() ? slice(size) : nullptr;
}

Event* Framer::rest() noexcept { return pending() ? slice(pending()) : nullptr; }

Event* Framer::frame(const char* buf, std::size_t len, std::size_t* taken) noexcept {
  *taken = 0;
  if (!pending()) {
    const std::size_t size = unit_size(reinterpret_cast<const unsigned char*>(buf), len);
    if (size && size <= len) {  // a whole record: one copy, to memory of just its size
      OPENSSL_EVENT* e = openssl_newRecordInEvent(buf, size);
      if (!e) return nullptr;
      first_ = false;
      *taken = size;
      return event_of(e);
    }
  }
  // At most twice: the rest of the header tells how long the record is.
  while (*taken < len) {
    const std::size_t portion = std::min(len - *taken, unframed_ ? len - *taken : missing());
    if (portion == 0) break;
    if (!make_room(portion)) return nullptr;
    copy_bytes(chunk_->data() + end_, buf + *taken, portion);
    end_ += portion;
    *taken += portion;
  }
  Event* e = next();
  if (e || missing() > 0) return e;
  end_ -= *taken;  // a whole unit, but no event for it: it is to be offered again
  *taken = 0;
  if (!pending()) drop_chunk();
  return nullptr;
}

}  // namespace openssl_event
