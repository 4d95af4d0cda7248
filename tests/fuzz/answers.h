// What the application around the fuzzed machine says to lookups.
#ifndef TESTS_FUZZ_ANSWERS_H
#define TESTS_FUZZ_ANSWERS_H

#include <openssl/ssl.h>

#include "openssl_event/openssl_event.h"

namespace openssl_event::fuzz {

// All that can be asked of either role but PSKs: those change what is offered, whatever the answer.
void ask_everything(SSL_CTX* context);

// Answers as a sensible application would; false if plain libssl may go on otherwise than with that answer.
bool answer(OPENSSL_EVENT* lookup);

// With an alert, a key of nobody's, a staple that is none, a refused chain.
void answer_wrongly(OPENSSL_EVENT* lookup);

}  // namespace openssl_event::fuzz

#endif
