// What the server is asked by LOOKUP events, and who knows the answers.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_LOOKUPS_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_LOOKUPS_H

#include <openssl/ssl.h>

#include <memory>
#include <optional>
#include <string>

#include "examples/https_server/lookups/certificate_directory.h"
#include "examples/https_server/lookups/counters.h"
#include "examples/https_server/lookups/pool.h"
#include "examples/https_server/lookups/session_cache.h"
#include "examples/https_server/lookups/staples.h"
#include "examples/https_server/lookups/ticket_keys.h"
#include "examples/https_server/options.h"
#include "openssl_event/openssl_event.h"

namespace https {

// All members by the network thread.
class Lookups {
 public:
  // Switches on, for the server's context, what the options ask for. nullptr: `error` says why, and what to do.
  static std::unique_ptr<Lookups> make(const Options& options, SSL_CTX* context, openssl_completions_t* completions,
                                       std::string& error);

  // Answers e and gives it back: now, or later through the completions.
  void answer(OPENSSL_EVENT* e);
  void store(SSL_SESSION* session);  // a new one
  void forget_removed();             // those that have left the context

  std::string to_text() const { return counters_.to_text(); }

 private:
  Lookups(const Options& options, SSL_CTX* context, openssl_completions_t* completions);
  bool set_up(std::string& error);
  bool set_up_sessions(std::string& error);
  bool set_up_ticket_keys(std::string& error);
  void set_up_certificates();
  std::unique_ptr<SessionCipher> make_cipher(std::string& error) const;
  CertificateDirectory::Context make_named_context(const std::string& file) const;

  void answer_certificate(OPENSSL_EVENT* e);
  void answer_with(OPENSSL_EVENT* e, const CertificateDirectory::Context& context);
  void answer_ticket_key(OPENSSL_EVENT* e);
  void post(OPENSSL_EVENT* e) const { openssl_postCompletion(completions_, e); }
  static void post_done(void* lookups, OPENSSL_EVENT* e) { static_cast<Lookups*>(lookups)->post(e); }

  const Options& options_;
  SSL_CTX* const context_;
  openssl_completions_t* const completions_;
  LookupCounters counters_;
  std::unique_ptr<SessionCache> sessions_;
  std::unique_ptr<CertificateDirectory> certificates_;
  std::unique_ptr<TicketKeys> ticket_keys_;
  std::unique_ptr<Staples> staples_;
  LookupPool pool_;  // last: its threads use what stands above
};

}  // namespace https

#endif
