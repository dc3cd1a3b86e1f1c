/* Names to addresses on a few threads of its own, because getaddrinfo blocks and cannot be called off. */
#ifndef SPINDLE_NET_RESOLVER_H
#define SPINDLE_NET_RESOLVER_H

#include <stdbool.h>
#include <stddef.h>

#include "address.h"

#ifdef __cplusplus
extern "C" {
#endif

#define LOOKUP_MOST_ADDRESSES 32

struct lookup {
    int error; /* 0 or EAI_* */
    size_t count;
    struct address addresses[LOOKUP_MOST_ADDRESSES];
    /* The resolver's: */
    struct lookup *next;
    enum { LOOKUP_QUEUED, LOOKUP_RUNNING, LOOKUP_ABANDONED, LOOKUP_DONE } state;
    void (*done)(void *context);
    void *context;
    char host[256];
};

/* `done` is called once on a resolver's thread, unless lookup_end came first. NULL without memory or threads. */
struct lookup *lookup_start(const char *host, void (*done)(void *context), void *context);
/* Frees the lookup, finished or not. After it `done` is not running and will not be called. */
void lookup_end(struct lookup *lookup);

/* Joins the threads; waits for getaddrinfo. */
void resolver_stop(void);

#ifdef __cplusplus
}
#endif

#endif
