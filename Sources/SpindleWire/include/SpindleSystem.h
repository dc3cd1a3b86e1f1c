/* System calls of Linux that Swift's Glibc module does not offer. Each returns -1 and sets errno when it fails. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { SPS_READ = 1, SPS_WRITE = 2, SPS_GONE = 4 };

typedef struct sps_event {
    uint64_t number; /* what was given to sps_poller_add */
    uint32_t ready;  /* SPS_* */
} sps_event;

/* An epoll instance, close-on-exec. */
int sps_poller_make(void);
/* Watches for SPS_READ, and for SPS_WRITE if `events` says so. */
int sps_poller_add(int poller, int fd, uint64_t number, uint32_t events);
int sps_poller_change(int poller, int fd, uint64_t number, uint32_t events);
int sps_poller_remove(int poller, int fd);
/* At most 128 events; how many there are. */
int sps_poller_wait(int poller, sps_event *events, int capacity, int milliseconds);

/* A counter to wake a poller: an eventfd, close-on-exec and non-blocking. */
int sps_bell_make(void);

/* Names the calling thread; at most 15 bytes count. */
void sps_name_thread(const char *name);
/* Has the calling thread, and what it starts, run on the first of its processors only. */
int sps_bind_thread(void);

/* Overwrites memory with zeros; the compiler does not leave it out. */
void sps_wipe(void *memory, size_t size);

/* A memory file that can be sealed but not executed, close-on-exec. */
int sps_memory_make(const char *name);
/* Nobody can change, shorten or lengthen it from now on. */
int sps_memory_seal(int fd);

#ifdef __cplusplus
}
#endif
