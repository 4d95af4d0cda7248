/*
 * Engines: where the ENGINE_CALLs of openssl_event.h are executed, keys and contexts whose operations become such calls,
 * and how executed ones come home. Included by openssl_event.h, whose conventions hold here too.
 *
 *     openssl_offloadKey         a key whose signatures are calls                    of one key
 *     openssl_engineKey          a key that an engine alone has                      of one key
 *     openssl_newOffloadContext  key shares, derivations, verifications are calls    of all that an SSL_CTX does
 *     openssl_setEngine          who executes them; by default OpenSSL, where e->e.engine->call(e) is called
 *     openssl_newCompletions     a queue by which other threads give them back
 *
 * openssl_operations.h has the operands; engine_workers/ is a pool of threads that executes calls, engine_pkcs11/ an engine.
 */
#ifndef OPENSSL_EVENT_OPENSSL_ENGINE_H
#define OPENSSL_EVENT_OPENSSL_ENGINE_H

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Engines and their calls -------------------------------------------------------------------------------------------- */

typedef struct openssl_completions_st openssl_completions_t;

/*
 * An engine executes calls (the operands: openssl_operations.h), in one of two ways or both; what it lacks is NULL. `call`
 * runs on any thread, may block, and ends with openssl_completeCall, openssl_failCall or openssl_decline; it returns 1 if
 * the operation succeeded. `start` does not block: it returns 1 when it has taken the event, which the engine ends, later or
 * at once, on any thread, by one of these three and then openssl_postCompletion(completions, e); and 0, with a reason in
 * the error queue, when it has not: the caller holds the event still. An engine may look at openssl_isCancelled and drop
 * such a call: it posts it as it is. The application makes engines: zero-initialised, size set. They outlive their calls
 * and keys.
 */
struct OPENSSL_engine_st {
    size_t size; /* sizeof(OPENSSL_ENGINE) */
    const char *name;
    int (*call)(OPENSSL_EVENT *e);
    void *data; /* the engine's own */
    int (*start)(OPENSSL_EVENT *e, openssl_completions_t *completions);
};

/* The engine that executes a call with OpenSSL, in the thread that calls it. */
const OPENSSL_ENGINE *openssl_defaultEngine(void);

/*
 * The engine that the calls of a connection made from now on name, but for those on a key of another's. Outlives the
 * connection and the calls. NULL: the default.
 */
void openssl_setEngine(openssl_t *tls, const OPENSSL_ENGINE *engine);

/*
 * Has a call executed by its engine, in the thread of the caller: by `start`, or, for an engine without, by `call`. In both
 * cases it comes back through `completions`. Fails when `start` has not taken it.
 */
int openssl_startCall(OPENSSL_EVENT *e, openssl_completions_t *completions);

/*
 * End the execution of a call: its result is in place; it failed, for `reason` (which becomes the error's data; NULL: the
 * newest entry of this thread's error queue becomes the error); or it is not for this engine, so that the machine shall
 * execute it itself, in openssl_getEvent. Flip kind to ENGINE_CALL_IN, with release order. Any thread. Fail if the event is
 * no ENGINE_CALL_OUT, and completeCall if the result is longer than its buffer. A call put back without any of them counts
 * as failed: the handshake ends with internal_error. To decline a call on a key of an engine's fails it too.
 */
int openssl_completeCall(OPENSSL_EVENT *e);
int openssl_failCall(OPENSSL_EVENT *e, const char *reason);
int openssl_decline(OPENSSL_EVENT *e);

/* The digest that a SIGN or VERIFY call is about, in at most EVP_MAX_MD_SIZE bytes; *len tells how many. Any thread. */
int openssl_hashOperand(const OPENSSL_EVENT *e, unsigned char *digest, size_t *len);

/*
 * Makes a key whose signatures and RSA premaster secrets (SIGN, DECRYPT) come out as ENGINE_CALLs of the connection that
 * needs them, for SSL_CTX_use_PrivateKey and its relatives, of servers and clients. It has a reference to `key`, can in
 * place whatever that can, and exports its public half only. `libctx` (NULL: the default one) and `propq` are where
 * operations on `key` are fetched; libctx must outlive the key, and, other than the default one, the threads that execute
 * its calls. Used outside a machine it works in place. RSA, RSA-PSS, EC, Ed25519, Ed448. The caller frees the result by
 * EVP_PKEY_free. Any thread. Fails for other types.
 */
#define OPENSSL_OFFLOAD_SERIALIZE 1u /* for a key that is not thread-safe: one call at a time */
EVP_PKEY *openssl_offloadKey(EVP_PKEY *key, OSSL_LIB_CTX *libctx, const char *propq, unsigned int flags);

/*
 * The same for a private key that only `engine` has: `public_key` is its public half, and calls name the engine, whatever
 * openssl_setEngine and openssl_setOperations say, and carry `handle`. free_handle(handle), if not NULL, is called when the
 * last user has gone, on any thread; also when this function fails. Outside a machine the key works by engine->call, at
 * once. It signs, and decrypts premaster secrets; nothing else private.
 */
EVP_PKEY *openssl_engineKey(EVP_PKEY *public_key, const OPENSSL_ENGINE *engine, void *handle, void (*free_handle)(void *handle));

/* The key that an offloaded one holds, borrowed; NULL if `key` is none. Any thread. */
EVP_PKEY *openssl_offloadedKey(const EVP_PKEY *key);

/*
 * Makes a library context for SSL_CTX_new_ex, so that not only what concerns an offloaded key becomes an ENGINE_CALL but
 * every OPENSSL_OPERATION_*: key shares of X25519, X448, EC and DH groups, and whatever is done with RSA, RSA-PSS, EC,
 * Ed25519 and Ed448 keys. They are executed where they would have been without it: in `libctx` (NULL: the default one),
 * which stays as it is, with its providers and default properties, and with `propq`. For all else the new context has the
 * providers that are active in `libctx`. `config`, a file as for OSSL_LIB_CTX_load_config, or NULL, is loaded into it
 * first: name it when those providers need it, as the FIPS provider does. Default properties other than fips=yes are
 * given to SSL_CTX_new_ex. Freed by openssl_freeOffloadContext (NULL is ignored), after all that was made of it; libctx
 * outlives it. Any thread. Fails without memory, if a provider cannot be loaded, and without `config` where fips=yes is a
 * default property.
 */
OSSL_LIB_CTX *openssl_newOffloadContext(OSSL_LIB_CTX *libctx, const char *propq, const char *config);
void openssl_freeOffloadContext(OSSL_LIB_CTX *context);

/*
 * Which operations become calls, a set of OPENSSL_OPERATION_BIT()s; the others are executed in place, without an event. Of
 * the connections that will be made of the context, and of one. OPENSSL_OPERATIONS_ALL unless set. setContextOperations
 * fails without memory.
 */
int openssl_setContextOperations(SSL_CTX *context, unsigned int operations);
void openssl_setOperations(openssl_t *tls, unsigned int operations);

/* ---- Completions: executed calls come home to the thread that has the connection ---------------------------------------- */

/*
 * A queue for one collecting thread, and any number of posting ones. Free it when nobody posts any more (with engine_workers:
 * after openssl_drainWorkers or openssl_freeWorkers): what it still holds is returned by openssl_returnEvent, on this thread,
 * which must have those connections. NULL is ignored.
 */
openssl_completions_t *openssl_newCompletions(void);
void openssl_freeCompletions(openssl_completions_t *q);

/*
 * A queue that keeps nothing: take(arg, event) gets each event at once, on the thread that posts it, and holds it from then
 * on; the post touches it no more. For who wakes those that wait in a way of its own. Must not block. openssl_completionFd
 * is -1, and there is nothing to collect. Freed when nobody posts any more.
 */
openssl_completions_t *openssl_newCompletionHandler(void (*take)(void *arg, OPENSSL_EVENT *e), void *arg);

/*
 * An eventfd, readable while something is to be collected, and perhaps once more, when an event was collected before its post
 * had ended; for poll, epoll, io_uring. The queue's own: do not read or close it.
 */
int openssl_completionFd(const openssl_completions_t *q);

/* Hands over an event, on any thread. Never refused, never blocks, no allocation: the place is in the event. */
void openssl_postCompletion(openssl_completions_t *q, OPENSSL_EVENT *e);

/* The oldest event posted, or NULL. The collecting thread then asks openssl_owner, and gives it back by openssl_returnEvent. */
OPENSSL_EVENT *openssl_collectCompletion(openssl_completions_t *q);

/* ---- Stacks ------------------------------------------------------------------------------------------------------------- */

/*
 * A step that waits for a call keeps a stack of its own. At most `limit` exist in the process (30,000 unless set; two of
 * the kernel's vm.max_map_count mappings each); a step that gets none fails its connection with STACK_LIMIT. Any thread.
 */
void openssl_setStackLimit(unsigned int limit);
unsigned int openssl_stacks(void); /* that exist now, in use or kept for use. Any thread. */

#ifdef __cplusplus
}
#endif

#endif
