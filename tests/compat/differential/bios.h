// BIOs of the program's own.
#ifndef TESTS_COMPAT_DIFFERENTIAL_BIOS_H
#define TESTS_COMPAT_DIFFERENTIAL_BIOS_H

#include <openssl/bio.h>

#include <string>

namespace openssl_event::testing {

struct Queues {
  std::string in, out;
  bool ended = false;
  std::size_t quota = static_cast<std::size_t>(-1);  // bytes that it takes before it asks for a retry
};

// Reads from `in`, writes to `out`. Not the owner of the queues.
BIO* make_queue_bio(Queues& queues);

// A filter that passes everything on, and counts it.
BIO* make_counting_filter(long& bytes);

}  // namespace openssl_event::testing

#endif
