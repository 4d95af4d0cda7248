#include "examples/https_server/lookups/lookups.h"

#include <charconv>
#include <fstream>
#include <iterator>
#include <utility>

#include "examples/https_server/certificate.h"

namespace https {
namespace {

constexpr std::size_t kMostWaiting = 256;  // for the pool; what comes on top is answered at once by what needs no store

// "memcached:HOST:PORT"
bool parse_store(const std::string& text, std::string& host, int& port) {
  constexpr char kKind[] = "memcached:";
  const std::size_t colon = text.rfind(':');
  if (text.rfind(kKind, 0) != 0 || colon < sizeof kKind) return false;
  host = text.substr(sizeof kKind - 1, colon - (sizeof kKind - 1));
  const auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size() && port > 0 && port < 65536;
}

std::string read_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Lookups::Lookups(const Options& options, SSL_CTX* context, openssl_completions_t* completions)
    : options_(options),
      context_(context),
      completions_(completions),
      pool_(options.looks_up() ? options.lookup_threads : 0, kMostWaiting) {}

std::unique_ptr<Lookups> Lookups::make(const Options& options, SSL_CTX* context, openssl_completions_t* completions,
                                       std::string& error) {
  std::unique_ptr<Lookups> lookups(new Lookups(options, context, completions));
  return lookups->set_up(error) ? std::move(lookups) : nullptr;
}

bool Lookups::set_up(std::string& error) {
  if (!set_up_sessions(error) || !set_up_ticket_keys(error)) return false;
  set_up_certificates();
  if (options_.staple) {
    staples_ = std::make_unique<Staples>(options_.ocsp_responder, pool_, counters_, post_done, this);
    openssl_setLookups(context_, OPENSSL_LOOKUP_STAPLE);
  }
  return true;
}

bool Lookups::set_up_sessions(std::string& error) {
  if (options_.session_cache.empty()) return true;
  std::string host;
  int port = 0;
  if (!parse_store(options_.session_cache, host, port)) {
    error = "--session-cache: '" + options_.session_cache + "' is no store; give memcached:HOST:PORT";
    return false;
  }
  auto cipher = make_cipher(error);
  if (!cipher) return false;
  sessions_ = std::make_unique<SessionCache>(std::move(cipher), kSessionIdContext, host, port, pool_, counters_);
  SSL_CTX_set_session_cache_mode(context_, SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_options(context_, SSL_OP_NO_TICKET);  // TLS 1.3: a ticket that is the session's id in the store
  SSL_CTX_set_num_tickets(context_, 1);
  openssl_setLookups(context_, OPENSSL_LOOKUP_SESSION | OPENSSL_NEW_SESSIONS | OPENSSL_REMOVED_SESSIONS);
  return true;
}

std::unique_ptr<SessionCipher> Lookups::make_cipher(std::string& error) const {
  std::unique_ptr<SessionCipher> cipher;
  if (!options_.session_secret.empty()) {
    cipher = SessionCipher::from_secret(read_file(options_.session_secret));
    if (!cipher) error = "--session-secret: '" + options_.session_secret + "' cannot be read, or is empty";
  } else {
    const EVP_PKEY* offloaded = SSL_CTX_get0_privatekey(context_);
    cipher = SessionCipher::from_key(openssl_offloadedKey(offloaded));
    if (!cipher)
      error =
          "the private key cannot be exported, so no key for stored sessions can be made of it; give --session-secret "
          "FILE";
  }
  return cipher;
}

bool Lookups::set_up_ticket_keys(std::string& error) {
  if (options_.ticket_keys.empty()) return true;
  ticket_keys_ = std::make_unique<TicketKeys>(options_.ticket_keys, counters_);
  if (!ticket_keys_->load()) {
    error = "--ticket-keys: '" + options_.ticket_keys +
            "' must hold one or more keys of 80 bytes, as from: openssl rand 80";
    return false;
  }
  openssl_setLookups(context_, OPENSSL_LOOKUP_TICKET_KEY);
  return true;
}

void Lookups::set_up_certificates() {
  if (options_.certificate_directory.empty()) return;
  certificates_ = std::make_unique<CertificateDirectory>(
      options_.certificate_directory, [this](const std::string& file) { return make_named_context(file); }, counters_);
  openssl_setLookups(context_, OPENSSL_LOOKUP_CERTIFICATE);
}

// On a thread of the pool.
CertificateDirectory::Context Lookups::make_named_context(const std::string& file) const {
  Options named = options_;
  named.certificate_file = named.key_file = file;
  named.token_key.clear();
  std::string error;
  ContextPointer context = make_context(named, error);
  if (!context) {
    std::fprintf(stderr, "%s: %s\n", options_.program.c_str(), error.c_str());
    return nullptr;
  }
  if (options_.staple) openssl_setLookups(context.get(), OPENSSL_LOOKUP_STAPLE);
  return {context.release(), FreeContext()};
}

void Lookups::answer(OPENSSL_EVENT* e) {
  switch (e->l.question) {
    case OPENSSL_LOOKUP_SESSION:
      return sessions_->answer(e, post_done, this);
    case OPENSSL_LOOKUP_CERTIFICATE:
      return answer_certificate(e);
    case OPENSSL_LOOKUP_TICKET_KEY:
      return answer_ticket_key(e);
    case OPENSSL_LOOKUP_STAPLE:
      return staples_->answer(e);
    default:
      openssl_answerDefault(e);
      openssl_returnEvent(e);
  }
}

void Lookups::answer_certificate(OPENSSL_EVENT* e) {
  const std::string name = e->l.server_name;
  CertificateDirectory::Context context;
  if (name.empty() || e->l.u.certificate->resumed) {
    openssl_answerNone(e);
    openssl_returnEvent(e);
  } else if (certificates_->find_known(name, context)) {
    answer_with(e, context);
    openssl_returnEvent(e);
  } else if (!pool_.submit([this, e, name] {
               if (!openssl_isCancelled(e)) answer_with(e, certificates_->find(name));
               post(e);
             })) {
    openssl_answerAlert(e, SSL_AD_INTERNAL_ERROR);  // better none than the wrong one
    openssl_returnEvent(e);
  }
}

void Lookups::answer_with(OPENSSL_EVENT* e, const CertificateDirectory::Context& context) {
  if (context) {
    openssl_answerContext(e, context.get());
    return;
  }
  ++counters_.names_unknown;
  if (options_.refuse_unknown_names)
    openssl_answerAlert(e, SSL_AD_UNRECOGNIZED_NAME);
  else
    openssl_answerNone(e);
}

// A key that is not known may be one that another server has just begun to use.
void Lookups::answer_ticket_key(OPENSSL_EVENT* e) {
  const bool due = ticket_keys_->is_due();
  if (ticket_keys_->answer(e)) {
    openssl_returnEvent(e);
    if (due) pool_.submit([this] { ticket_keys_->load(); });
    return;
  }
  const auto refuse = [this, e] {
    ++counters_.tickets_unknown;
    openssl_answerNone(e);
  };
  if (due && pool_.submit([this, e, refuse] {
        ticket_keys_->load();
        if (!ticket_keys_->answer(e)) refuse();
        post(e);
      }))
    return;
  refuse();
  openssl_returnEvent(e);
}

void Lookups::store(SSL_SESSION* session) {
  if (sessions_) sessions_->store(session);
}

void Lookups::forget_removed() {
  if (!sessions_) return;
  while (SSL_SESSION* session = openssl_takeRemovedSession(context_)) {
    sessions_->remove(session);
    SSL_SESSION_free(session);
  }
}

}  // namespace https
