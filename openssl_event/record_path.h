// The record path of a connection: application data sealed and opened by our own hand, under the keys that libssl
// agreed on.
//
// libssl stays in charge of everything else, and has its own count of the records of a direction, which lags behind the
// wire's as soon as we move application data. So each record that it makes is opened under its number and sealed under
// the wire's before it leaves, and each that it is to see the other way round. Two rules keep this safe, and each has
// one place: nothing that libssl sealed leaves (translate), nothing that the peer sealed reaches libssl (open, blank).
#ifndef OPENSSL_EVENT_RECORD_PATH_H
#define OPENSSL_EVENT_RECORD_PATH_H

#include <cstddef>
#include <cstdint>

#include "openssl_event/key_capture.h"
#include "openssl_event/openssl_event.h"
#include "openssl_event/record_cipher.h"
#include "openssl_event/record_keys.h"

namespace openssl_event {

class RecordPath final : private KeyListener {
 public:
  // For an SSL that has not begun. nullptr: its context is not prepared, or there is no memory.
  static RecordPath* create(SSL* ssl) noexcept;
  ~RecordPath();
  RecordPath(const RecordPath&) = delete;
  RecordPath& operator=(const RecordPath&) = delete;

  // The handshake has finished: decides, once. `objection`: what speaks against it on the caller's side, or
  // OPENSSL_PATH_REASON_NONE.
  void decide(int objection) noexcept;
  void set_direct(bool direct) noexcept { direct_ = direct; }
  int reason() const noexcept;
  // For all that are created from now on. Any thread.
  static void allow(bool allowed) noexcept;

  // ---- Sending ----
  // Application data is, or is to be, sealed here.
  bool sends() const noexcept { return usable_ && direct_ && !padded_; }
  bool sending() const noexcept { return out_.taken; }
  // Takes over, if that has not been done. False: the connection must end; the error queue says why.
  bool begin_sending() noexcept;
  // Cleartext that a record takes at most.
  std::size_t fragment() const noexcept { return fragment_; }
  std::size_t sealed_size(std::size_t cleartext) const noexcept { return RecordCipher::sealed_size(suite_, cleartext); }
  bool seal(unsigned char type, const Slice* slices, std::size_t count, std::size_t size,
            unsigned char* record) noexcept;
  bool key_is_spent() const noexcept { return limit_ && out_.taken && out_.wire >= limit_; }
  void set_limit(std::uint64_t records) noexcept { limit_ = records; }
  std::uint64_t records_of_key() const noexcept { return out_.wire; }

  // A record that libssl has made, before it leaves. False: it must not leave, and the connection must end.
  bool translate(unsigned char* record, std::size_t size) noexcept;
  // libssl has made a record of this type, which leaves as it is.
  void leaves(unsigned char type) noexcept {
    if (!out_.taken) count(out_, type);
  }
  // A record that libssl has made of `size` bytes of application data which have been sealed here, so that it must not
  // leave. False: it is another one.
  bool replaces(unsigned char* record, std::size_t record_size, std::size_t size) noexcept;
  // Where renegotiation is followed: libssl's records have keys of their own by now, and leave as they are.
  bool libssl_sends() const noexcept { return out_.renegotiated; }
  // Takes what libssl writes, while begin_sending() lets it write to learn how it makes records.
  bool probing() const noexcept { return probe_ != nullptr; }
  bool probed(const char* data, std::size_t size) noexcept;

  // ---- Receiving ----
  enum class Input {
    data,        // application data, in `opened`
    empty,       // application data, of which there is none
    flood,       // the same, too often: the connection must end, with the alert unexpected_message
    for_libssl,  // libssl may, and shall, see the record as it is now
    // Without libssl:
    control,  // what libssl would have had to judge, in `opened`
    refused   // the record is not authentic; what it held is wiped
  };
  bool receiving() const noexcept { return in_.taken; }
  bool can_receive() const noexcept { return usable_ && direct_ && receives_; }
  // Before decide(): only sending is to be taken over.
  void leave_receiving_to_libssl() noexcept { receives_ = false; }
  // Takes over, if that has not been done and can be. False: records go to libssl as they are.
  bool begin_receiving() noexcept;
  Input open(unsigned char* record, std::size_t size, Opened& opened) noexcept;
  // The same where libssl shall see every record: as it is when this returns.
  void open_for_libssl(unsigned char* record, std::size_t size) noexcept;
  // A record of application data that open() has released, which libssl shall see after all; to `record`, which has
  // sealed_size(). False: the connection must end.
  bool seal_for_libssl(const Slice& data, unsigned char* record) noexcept;
  // A header with which a record can be opened: else libssl is to judge it, and see none of the record's bytes.
  bool is_acceptable(const unsigned char* header) const noexcept;
  // A record was not authentic: libssl shall see no byte of the peer's any more.
  bool broken() const noexcept { return broken_; }
  // TLS 1.2: with the change_cipher_spec of a renegotiation a direction goes back to libssl, for good. From there on its
  // numbers are the wire's, under keys that nothing was sealed with here.
  void follow_renegotiation() noexcept { follows_renegotiation_ = true; }
  // The same for what the peer sends: libssl shall see all as it comes.
  bool libssl_receives() const noexcept { return in_.renegotiated; }
  bool is_libssls_again() const noexcept { return in_.renegotiated || out_.renegotiated; }
  // Empty records go to libssl, which counts them itself.
  void leave_empty_records_to_libssl() noexcept { counts_empty_ = false; }
  // libssl begins to read a record of this type as it came.
  void passes(unsigned char type) noexcept {
    if (!in_.taken) count(in_, type);
  }

  // ---- Without libssl ----
  // The peer is in the middle of nothing that is for libssl: when both directions are taken over, the SSL may be freed.
  bool can_leave_libssl() const noexcept;
  // The SSL is about to be freed. From now on keys are renewed here, and every authentic record comes out of open().
  void leave_libssl() noexcept;
  // The SSL is being freed, and this after it.
  void ssl_ends() noexcept { ssl_ = nullptr; }
  bool tls13() const noexcept { return suite_.tls13; }
  // The next key of a direction, after the KeyUpdate that announces it (RFC 8446 7.2).
  bool renew_sending() noexcept { return renew(out_); }
  bool renew_receiving() noexcept { return renew(in_); }

  std::uint64_t sealed() const noexcept { return sealed_; }
  std::uint64_t opened() const noexcept { return opened_; }

 private:
  struct Direction {
    TrafficSecret secret;  // of TLS 1.3
    RecordKey key;
    RecordCipher cipher;
    std::uint64_t wire = 0;            // number of the next record on the wire
    std::uint64_t libssl = 0;          // and libssl's
    std::uint64_t explicit_nonce = 0;  // the last one on the wire
    bool counted = false;              // TLS 1.2: the change_cipher_spec has passed
    bool has_key = false;
    bool taken = false;
    bool renegotiated = false;  // it is libssl's again
  };
  struct Probe;

  explicit RecordPath(SSL* ssl) noexcept : ssl_(ssl) {}
  void traffic_secret(bool of_server, const unsigned char* secret, std::size_t size) noexcept override;
  int find_reason() noexcept;
  bool of_server(const Direction& direction) const noexcept;
  void count(Direction& direction, unsigned char type) noexcept;
  void follow(Direction& direction, unsigned char type) noexcept;
  bool make_key(Direction& direction) noexcept;
  bool make_cipher(Direction& direction, RecordCipher::Use use) noexcept;
  bool renew(Direction& direction) noexcept;
  bool probe() noexcept;
  bool open_probe(Probe& probe, std::size_t size) noexcept;
  bool refuse(const char* why) noexcept;
  RecordNumber next_number() noexcept;
  bool is_acceptable(const unsigned char* record, std::size_t size) const noexcept;
  bool authenticate(unsigned char* record, std::size_t size, Opened& opened) noexcept;
  bool is_data(const Opened& opened) const noexcept;
  Input blank(unsigned char* record, std::size_t size) noexcept;
  Input hand_on(unsigned char* record, std::size_t size, const Opened& opened) noexcept;
  Input give_to_libssl(unsigned char* record, std::size_t size, const Opened& opened) noexcept;

  SSL* ssl_;  // nullptr: the connection has left libssl
  RecordSuite suite_ = {};
  Direction in_, out_;
  Probe* probe_ = nullptr;
  std::uint64_t limit_ = 0;
  std::uint64_t sealed_ = 0;
  std::uint64_t opened_ = 0;
  std::size_t fragment_ = OPENSSL_MAX_PLAINTEXT;
  unsigned empty_records_ = 0;  // without application data between them
  bool counts_empty_ = true;
  bool follows_renegotiation_ = false;
  int reason_ = OPENSSL_PATH_REASON_HANDSHAKE;
  bool usable_ = false;
  bool direct_ = true;
  bool receives_ = true;
  bool padded_ = false;  // libssl pads what it sends, so it goes on to make the records
  // libssl has been given something else than data. It may be in the middle of a message, where data must not come, and
  // counts warning alerts until data comes: so the next data goes to libssl too.
  bool judges_next_ = false;
  bool has_ticket_ = false;  // libssl has been given one, or, as in TLS 1.2 and on a server, waits for none
  bool broken_ = false;      // a record was not authentic: libssl sees no byte of the peer's any more
};

}  // namespace openssl_event

#endif
