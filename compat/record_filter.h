// The BIOs between libssl and the program's, once its records are sealed and opened here.
#ifndef COMPAT_RECORD_FILTER_H
#define COMPAT_RECORD_FILTER_H

#include <openssl/bio.h>

namespace openssl_event::compat {

class DataPath;

// In front of `program`, whose reference it takes, without a link back: the program may still change its own chain.
// nullptr without memory; then the reference stays with the caller.
BIO* new_filter(DataPath* path, BIO* program) noexcept;
// From now on it fails, whoever calls.
void disconnect_filter(BIO* filter) noexcept;

// libssl may set the flags of a retry itself (SSL_MODE_AUTO_RETRY off), and does so, if its functions call each other
// directly
// (-Bsymbolic), on the filter. Before that is called, and after it; nullptr is no filter.
void copy_retry_flags(BIO* filter) noexcept;
void show_retry_flags(BIO* filter) noexcept;

// The program's BIO: what is behind a filter, or any other one as it is.
BIO* behind_filter(BIO* bio) noexcept;

}  // namespace openssl_event::compat

#endif
