// An OCSP response (RFC 6960) for a certificate, from the responder that it names, or another.
#ifndef EXAMPLES_HTTPS_SERVER_LOOKUPS_OCSP_H
#define EXAMPLES_HTTPS_SERVER_LOOKUPS_OCSP_H

#include <openssl/x509.h>

#include <ctime>
#include <optional>
#include <string>

namespace https {

struct OcspResponse {
  std::string der;
  std::time_t this_update;
  std::time_t next_update;
};

// Asks the responder (http only), and checks what it says: signed by the issuer or its delegate, about this
// certificate, good, of now, and with an end. Blocks, for three seconds at most. `url` "": the certificate's own.
std::optional<OcspResponse> fetch_ocsp_response(X509* certificate, X509* issuer, const std::string& url);

}  // namespace https

#endif
