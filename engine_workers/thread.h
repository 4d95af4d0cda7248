// A thread of a pool: how it is started, and what the system knows of it.
#ifndef ENGINE_WORKERS_THREAD_H
#define ENGINE_WORKERS_THREAD_H

#include <pthread.h>

#include <string>

#include "engine_workers/settings.h"

namespace openssl_event {

// Starts main(argument) on the processors of `settings`, with signals blocked. 0, or the system's error.
int start_thread(pthread_t& thread, const Settings& settings, void* (*main)(void*), void* argument) noexcept;

// Calls this thread "name-index", with as much of `name` as the 15 characters that the system allows leave room for.
void name_this_thread(const std::string& name, unsigned index) noexcept;

// Makes this thread nicer than the one that started it. In Linux a nice value belongs to a thread.
void lower_priority_of_this_thread(int nice) noexcept;

}  // namespace openssl_event

#endif
