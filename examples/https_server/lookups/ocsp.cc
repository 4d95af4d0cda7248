#include "examples/https_server/lookups/ocsp.h"

#include <openssl/err.h>
#include <openssl/http.h>
#include <openssl/ocsp.h>

#include <memory>

namespace https {
namespace {

constexpr int kSeconds = 3;
constexpr long kClockSkew = 300;  // seconds
constexpr std::size_t kLargest = 64 * 1024;

template <auto Function>
struct FreeBy {
  template <class T>
  void operator()(T* object) const {
    Function(object);
  }
};
using Request = std::unique_ptr<OCSP_REQUEST, FreeBy<OCSP_REQUEST_free>>;
using Response = std::unique_ptr<OCSP_RESPONSE, FreeBy<OCSP_RESPONSE_free>>;
using Basic = std::unique_ptr<OCSP_BASICRESP, FreeBy<OCSP_BASICRESP_free>>;
using Id = std::unique_ptr<OCSP_CERTID, FreeBy<OCSP_CERTID_free>>;
using Store = std::unique_ptr<X509_STORE, FreeBy<X509_STORE_free>>;
using Bio = std::unique_ptr<BIO, FreeBy<BIO_free_all>>;

std::string responder_of(X509* certificate) {
  STACK_OF(OPENSSL_STRING)* urls = X509_get1_ocsp(certificate);
  const std::string url = sk_OPENSSL_STRING_num(urls) > 0 ? sk_OPENSSL_STRING_value(urls, 0) : "";
  X509_email_free(urls);
  return url;
}

Request request_for(OCSP_CERTID* id) {
  Request request(OCSP_REQUEST_new());
  Id copy(OCSP_CERTID_dup(id));
  if (!request || !copy || !OCSP_request_add0_id(request.get(), copy.get())) return nullptr;
  copy.release();  // the request's now
  return request;
}

struct Place {
  char *host = nullptr, *port = nullptr, *path = nullptr;
  ~Place() {
    OPENSSL_free(host);
    OPENSSL_free(port);
    OPENSSL_free(path);
  }
};

Response ask(const std::string& url, OCSP_REQUEST* request) {
  Place place;
  int tls = 0;
  if (!OSSL_HTTP_parse_url(url.c_str(), &tls, nullptr, &place.host, &place.port, nullptr, &place.path, nullptr,
                           nullptr) ||
      tls)
    return nullptr;
  const Bio body(ASN1_item_i2d_mem_bio(ASN1_ITEM_rptr(OCSP_REQUEST), reinterpret_cast<const ASN1_VALUE*>(request)));
  if (!body) return nullptr;
  const Bio answer(OSSL_HTTP_transfer(nullptr, place.host, place.port, place.path, 0, nullptr, "*", nullptr, nullptr,
                                      nullptr, nullptr, 0, nullptr, "application/ocsp-request", body.get(),
                                      "application/ocsp-response", 1, kLargest, kSeconds, 0));
  return Response(answer ? d2i_OCSP_RESPONSE_bio(answer.get(), nullptr) : nullptr);
}

// Against the issuer only: it is trusted for its own certificates, and for nothing else.
bool is_signed(OCSP_BASICRESP* basic, X509* issuer) {
  const Store store(X509_STORE_new());
  return store && X509_STORE_add_cert(store.get(), issuer) &&
         X509_STORE_set_flags(store.get(), X509_V_FLAG_PARTIAL_CHAIN) &&
         OCSP_basic_verify(basic, nullptr, store.get(), 0) > 0;
}

bool to_time(const ASN1_GENERALIZEDTIME* from, std::time_t& to) {
  std::tm parts = {};
  if (!from || !ASN1_TIME_to_tm(from, &parts)) return false;
  to = timegm(&parts);
  return true;
}

// Good, of now, and for a while: the times are in `out` then.
bool is_good(OCSP_BASICRESP* basic, OCSP_CERTID* id, OcspResponse& out) {
  int status = 0, reason = 0;
  ASN1_GENERALIZEDTIME *revoked = nullptr, *from = nullptr, *until = nullptr;
  return OCSP_resp_find_status(basic, id, &status, &reason, &revoked, &from, &until) &&
         status == V_OCSP_CERTSTATUS_GOOD && OCSP_check_validity(from, until, kClockSkew, -1) &&
         to_time(from, out.this_update) && to_time(until, out.next_update);
}

std::string der_of(OCSP_RESPONSE* response) {
  unsigned char* der = nullptr;
  const int size = i2d_OCSP_RESPONSE(response, &der);
  const std::string text(reinterpret_cast<const char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return text;
}

std::optional<OcspResponse> fetch(X509* certificate, X509* issuer, const std::string& url) {
  const Id id(OCSP_cert_to_id(nullptr, certificate, issuer));
  const Request request = id ? request_for(id.get()) : nullptr;
  const Response response = request ? ask(url, request.get()) : nullptr;
  if (!response || OCSP_response_status(response.get()) != OCSP_RESPONSE_STATUS_SUCCESSFUL) return std::nullopt;
  const Basic basic(OCSP_response_get1_basic(response.get()));
  OcspResponse out = {der_of(response.get()), 0, 0};
  if (!basic || out.der.empty() || !is_signed(basic.get(), issuer) || !is_good(basic.get(), id.get(), out))
    return std::nullopt;
  return out;
}

}  // namespace

std::optional<OcspResponse> fetch_ocsp_response(X509* certificate, X509* issuer, const std::string& url) {
  const std::string responder = url.empty() ? responder_of(certificate) : url;
  std::optional<OcspResponse> response;
  if (!responder.empty()) response = fetch(certificate, issuer, responder);
  ERR_clear_error();
  return response;
}

}  // namespace https
