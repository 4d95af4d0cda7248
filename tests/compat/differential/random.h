// Random numbers that are the same in every run, whichever thread draws them: lengths in a transcript depend on them.
#ifndef TESTS_COMPAT_DIFFERENTIAL_RANDOM_H
#define TESTS_COMPAT_DIFFERENTIAL_RANDOM_H

namespace openssl_event::testing {

// From here on, OpenSSL draws them here. What is drawn depends on how often
// next_random() has been called, on the length, and on how often the thread has drawn that since.
void use_repeatable_random();
void next_random();
// All bytes are the same, with which no RSA operation can be blinded.
void stick_random(bool stuck);

}  // namespace openssl_event::testing

#endif
