/*
 * engine_workers: a pool of threads that executes ENGINE_CALLs.
 *
 *     your event loop                             pool                          worker threads
 *
 *     ENGINE_CALL_OUT --openssl_submitCall--> [ queue, FIFO ] ---------> e->e.engine->call(e)
 *                                                                                 |
 *     openssl_putEvent <--openssl_collectCompletion-- [ completions ] <-----------+
 *
 * In the loop of openssl_event.h:
 *
 *         case OPENSSL_ENGINE_CALL_OUT_KIND:
 *             if (!openssl_submitCall(workers, e, completions)) {   // full: execute it here instead
 *                 e->e.engine->call(e);
 *                 openssl_putEvent(tls, e);
 *             }
 *             break;
 *
 * and when openssl_completionFd(completions) is readable:
 *
 *         while ((e = openssl_collectCompletion(completions)) != NULL) {
 *             tls = openssl_owner(e);                               // NULL: the connection has been freed meanwhile
 *             openssl_returnEvent(e);
 *             if (tls) serve(tls);                                  // your loop around openssl_getEvent
 *         }
 *
 * The pool knows events only, no connections: any number of loops, each with a completion queue of its own, may share
 * it. The conventions of openssl_event.h hold here too.
 */
#ifndef ENGINE_WORKERS_ENGINE_WORKERS_H
#define ENGINE_WORKERS_ENGINE_WORKERS_H

#include <stddef.h>
#include <stdint.h>

#include "openssl_event/openssl_event.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct openssl_workers_st openssl_workers_t;

/* ---- Life of a pool ---------------------------------------------------------------------------------------------- */

#define OPENSSL_WORKERS_MAX_QUEUE 65534

/* Zero-initialise it, set size and what shall differ from the default. Read by openssl_newWorkers only. */
typedef struct OPENSSL_workers_config_st {
    size_t size;               /* sizeof(OPENSSL_WORKERS_CONFIG) */
    unsigned int threads;      /* 0: one for each of `cpus`, or, without those, for each that this process may run on */
    unsigned int queue_length; /* calls that may wait, beside those being executed; 0: 1024; at most MAX_QUEUE */
    const char *name;          /* of the threads: "name-0" ..., cut to 15 characters in all; NULL: "tls-worker" */
    const int *cpus;           /* the processors that the threads may run on, each thread on any of them ... */
    size_t cpu_count;          /* ... and how many these are; 0: wherever the caller may run */
    unsigned int nice;         /* by how much the threads are nicer than the caller (nice(2)), at most 19; 0: equals. On
                                  processors that they share with an event loop, a loop that has work goes first */
    unsigned int least_us;     /* calls that take less than so many microseconds are left to the caller, see
                                  openssl_submitCall; 0: none is */
} OPENSSL_WORKERS_CONFIG;

/*
 * Makes a pool and starts its threads, which block all signals but those that a thread brings upon itself (SIGSEGV,
 * SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS). config NULL: all defaults. Copies what it needs of config. A child of fork
 * has no workers: it neither uses nor frees its parent's pool. Any thread. Fails without memory, for a queue_length
 * above OPENSSL_WORKERS_MAX_QUEUE, for a processor number below 0 or above 1023, for a config of a later version that
 * asks for what this one does not know, for `nice` above 19, and when a thread cannot be started, as when none of `cpus` may be used: then
 * the system's error is in the error queue, and no thread is left.
 */
openssl_workers_t *openssl_newWorkers(const OPENSSL_WORKERS_CONFIG *config);

/*
 * Ends the pool: calls that are being executed are finished, those that wait are failed with the reason "workers shut
 * down" (cancelled ones are left as they are), all of them come back through their completion queues, and the threads
 * end. Blocks until then. To let all of them be executed, call openssl_drainWorkers first. While it works, calls that
 * an engine submits from a worker are refused; no other thread may be in a function of this pool, or enter one. Not on
 * a worker (convention 4; with NDEBUG it is ignored). NULL is ignored.
 */
void openssl_freeWorkers(openssl_workers_t *workers);

/*
 * Blocks until every call submitted so far, and every one that is submitted meanwhile, has been posted to its
 * completion queue. From then on, if nobody submits any more, the pool does not touch those queues again, so that they
 * may be freed. The pool goes on. Any thread but a worker, where it fails at once (convention 4).
 */
int openssl_drainWorkers(openssl_workers_t *workers);

/* ---- Calls ------------------------------------------------------------------------------------------------------- */

/*
 * Hands over an ENGINE_CALL_OUT. Returns 1 when the pool holds it: a worker will execute it by its engine, calls begin
 * in the order they were submitted, and it will come back through `completions`, once, whatever happens: executed, as
 * an ENGINE_CALL_IN; or, when its connection was freed before it began (openssl_isCancelled), unexecuted, as it was. A
 * call whose engine throws a C++ exception is failed with a reason that says so; one whose engine returns without
 * completing, failing or declining it, with what the engine left in the error queue, or a reason that says so.
 * `completions` stays valid until the event has been collected and the post has ended: see openssl_drainWorkers.
 *
 * Returns 0, at once, when the queue is full, when the pool is being freed (its free is waiting for the engine that
 * calls this), and when the event is no ENGINE_CALL_OUT with an engine. Then the caller holds the event still, and may
 * execute it itself, openssl_decline it, or openssl_failCall it. Never waits. Any thread, also an engine on a worker.
 *
 * Two changes of thread cost some 20 to 70 microseconds of processor time, as long as an ECDSA signature takes. So with
 * `least_us` it also returns 0, without an entry in the error queue, for a call of a kind that is known to take less, which
 * is better executed at once. A kind is an operation other than a verification, by openssl_defaultEngine, with a key of
 * OpenSSL's own providers, by its type, curve and size; generating a key is of none. It is known when workers have executed 8
 * of them, which are the first, and of those that are left one in 64 goes to a worker all the same, so that it stays known.
 *
 * An engine finds this thread's OpenSSL error queue empty; what it leaves there is dropped after the call. It must not
 * end the thread that it is called on.
 */
int openssl_submitCall(openssl_workers_t *workers, OPENSSL_EVENT *call, openssl_completions_t *completions);

/* ---- Statistics -------------------------------------------------------------------------------------------------- */

#define OPENSSL_HISTOGRAM_BUCKETS 28

/*
 * Durations. Bucket 0 counts those below 1 microsecond, bucket i those from 2^(i-1) up to, but not including, 2^i
 * microseconds, and the last one all from 2^26 microseconds (67 seconds) on.
 */
typedef struct OPENSSL_histogram_st {
    uint64_t count;            /* the sum of all buckets */
    uint64_t sum_microseconds; /* of all durations, rounded down */
    uint64_t buckets[OPENSSL_HISTOGRAM_BUCKETS];
} OPENSSL_HISTOGRAM;

/* Since the pool was made, but for `queued` and `running`, which are now. */
typedef struct OPENSSL_workers_statistics_st {
    size_t size;            /* sizeof(OPENSSL_WORKERS_STATISTICS), set by the caller */
    unsigned int threads;
    uint64_t queued;        /* wait for a worker */
    uint64_t running;       /* are with a worker */
    uint64_t done;          /* executed; those that their engine declined are among them */
    uint64_t failed;        /* executed with an error, for which also counts an engine that throws or forgets */
    uint64_t cancelled;     /* not executed, because nobody needed the result any more */
    uint64_t refused;       /* openssl_submitCall returned 0, since the queue was full or the pool being freed */
    OPENSSL_HISTOGRAM wait; /* from submission to the beginning of the execution; done + failed of them */
    OPENSSL_HISTOGRAM run;  /* of the execution; done + failed of them */
    uint64_t left;          /* openssl_submitCall returned 0, since the call takes less than least_us */
} OPENSSL_WORKERS_STATISTICS;

/*
 * Fills `out`, up to out->size, and sets out->size to what it has filled. Each number is true at some moment of the
 * call; a call that has been collected is in them, and they fit together whenever no call is on its way. Costs nothing
 * to those who work. Any thread. Fails if out->size does not hold size itself.
 */
int openssl_workersStatistics(const openssl_workers_t *workers, OPENSSL_WORKERS_STATISTICS *out);

#ifdef __cplusplus
}
#endif

#endif
