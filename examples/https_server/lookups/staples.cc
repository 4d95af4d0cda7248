#include "examples/https_server/lookups/staples.h"

#include <openssl/x509v3.h>

#include <memory>
#include <utility>

#include "examples/https_server/lookups/ocsp.h"

namespace https {
namespace {

constexpr auto kPause = std::chrono::seconds(30);  // after a failure

struct FreeCertificate {
  void operator()(X509* certificate) const { X509_free(certificate); }
};
using Certificate = std::shared_ptr<X509>;

Certificate share(X509* certificate) {
  X509_up_ref(certificate);
  return Certificate(certificate, FreeCertificate());
}

std::string name_of(X509* certificate) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (!X509_digest(certificate, EVP_sha256(), digest, &size)) size = 0;
  return {reinterpret_cast<const char*>(digest), size};
}

// The next one in the chain that has signed it; nullptr: who issued it is not known.
X509* issuer_of(X509* certificate, STACK_OF(X509) * chain) {
  for (int i = 0; i < sk_X509_num(chain); ++i)
    if (X509_check_issued(sk_X509_value(chain, i), certificate) == X509_V_OK) return sk_X509_value(chain, i);
  return nullptr;
}

}  // namespace

Staples::Staples(std::string url, LookupPool& pool, LookupCounters& counters, Done done, void* arg)
    : url_(std::move(url)), pool_(pool), counters_(counters), done_(done), arg_(arg) {}

void Staples::answer(OPENSSL_EVENT* e) {
  const OPENSSL_STAPLE_LOOKUP& wanted = *e->l.u.staple;
  const std::string name = wanted.certificate ? name_of(wanted.certificate) : "";
  std::string der;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    const std::time_t now = std::time(nullptr);
    if (entry.next_update > now) der = entry.der;
    if (der.empty() || now >= entry.refresh) begin_fetch(name, entry, wanted);
    if (der.empty() && entry.fetching) return entry.waiting.push_back(e);
  }
  finish(e, der);
}

void Staples::finish(OPENSSL_EVENT* e, const std::string& der) {
  if (!der.empty() && openssl_answerStaple(e, reinterpret_cast<const unsigned char*>(der.data()), der.size()))
    ++counters_.staples_served;
  else
    openssl_answerNone(e);
  done_(arg_, e);
}

bool Staples::begin_fetch(const std::string& name, Entry& entry, const OPENSSL_STAPLE_LOOKUP& wanted) {
  if (entry.fetching || Clock::now() < entry.not_before || !wanted.certificate) return false;
  X509* issuer = issuer_of(wanted.certificate, wanted.chain);
  if (!issuer) return false;
  entry.fetching = pool_.submit([this, name, certificate = share(wanted.certificate), signer = share(issuer)] {
    fetch(name, certificate.get(), signer.get());
  });
  return entry.fetching;
}

// Refreshed when half of its time is over, so that a responder may be away for the other half.
void Staples::fetch(const std::string& name, X509* certificate, X509* issuer) {
  const auto response = fetch_ocsp_response(certificate, issuer, url_);
  ++(response ? counters_.staples_fetched : counters_.staple_failures);
  std::vector<OPENSSL_EVENT*> waiting;
  std::string der;
  {
    const std::lock_guard lock(mutex_);
    Entry& entry = entries_[name];
    entry.fetching = false;
    entry.not_before = response ? Clock::time_point() : Clock::now() + kPause;
    if (response) {
      const std::time_t now = std::time(nullptr);
      entry.der = response->der;
      entry.next_update = response->next_update;
      entry.refresh = now + (response->next_update - now) / 2;
    }
    der = entry.next_update > std::time(nullptr) ? entry.der : "";
    waiting.swap(entry.waiting);
  }
  for (OPENSSL_EVENT* e : waiting) finish(e, der);
}

}  // namespace https
