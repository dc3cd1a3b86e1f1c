/* Threads and the clock. */
#ifndef SPINDLE_NET_THREAD_H
#define SPINDLE_NET_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* All signals but those of a crash are blocked in it: the process's signals are the host's, and SIGPIPE has to become
 * EPIPE, because libcurl is told not to touch signals and OpenSSL may write without MSG_NOSIGNAL. */
bool thread_start(pthread_t *thread, const char *name, void *(*run)(void *), void *argument);

int64_t clock_mono_ns(void);

#ifdef __cplusplus
}
#endif

#endif
