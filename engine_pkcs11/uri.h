// A pkcs11 URI (RFC 7512), as p11-kit reads it.
#ifndef ENGINE_PKCS11_URI_H
#define ENGINE_PKCS11_URI_H

#include <p11-kit/uri.h>

#include <memory>
#include <string>

namespace openssl_event::pkcs11 {

class Uri {
 public:
  // Raises an error if the text is no such URI.
  bool parse(const char* text) noexcept;

  // nullptr: any that p11-kit is configured with.
  const char* module_path() const noexcept { return p11_kit_uri_get_module_path(uri_.get()); }
  bool matches(const CK_TOKEN_INFO& token) const noexcept {
    return p11_kit_uri_match_token_info(uri_.get(), &token) == 1;
  }
  // Attributes that the object has, apart from its class.
  const CK_ATTRIBUTE* attributes(CK_ULONG* count) const noexcept { return p11_kit_uri_get_attributes(uri_.get(), count); }
  // "": none. Reads the file anew each time. May throw bad_alloc.
  std::string pin() const;

 private:
  struct Free {
    void operator()(P11KitUri* uri) const { p11_kit_uri_free(uri); }
  };
  std::unique_ptr<P11KitUri, Free> uri_;
};

}  // namespace openssl_event::pkcs11

#endif
