/* The header of the pool, compiled as C99. */
#include "engine_workers/engine_workers.h"

int make_and_free_pool_in_c99(void);

int make_and_free_pool_in_c99(void) {
    OPENSSL_WORKERS_CONFIG config = {sizeof config, 1, 0, "c99", NULL, 0, 0, 0};
    OPENSSL_WORKERS_STATISTICS statistics;
    openssl_workers_t *workers = openssl_newWorkers(&config);
    int ok;

    if (workers == NULL)
        return 0;
    statistics.size = sizeof statistics;
    ok = openssl_drainWorkers(workers) && openssl_workersStatistics(workers, &statistics) && statistics.threads == 1;
    openssl_freeWorkers(workers);
    return ok;
}
