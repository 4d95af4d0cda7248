// The groups of figures of //benchmarks:core. Each runs in a process of its own.
#ifndef BENCHMARKS_GROUPS_H
#define BENCHMARKS_GROUPS_H

#include "benchmarks/support/report.h"

namespace benchmarks {

void run_longest_call(Report& report, const Settings& settings);
void run_in_place(Report& report, const Settings& settings);
void run_suspension(Report& report, const Settings& settings);
void run_pool(Report& report, const Settings& settings);
void run_bulk(Report& report, const Settings& settings);
void run_idle_heap(Report& report, const Settings& settings);
void run_suspended_resident(Report& report, const Settings& settings);
void run_event_cost(Report& report, const Settings& settings);

}  // namespace benchmarks

#endif
