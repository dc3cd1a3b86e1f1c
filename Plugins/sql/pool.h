/* The connections of one name, and the thread that stops statements on them. */
#ifndef SQL_POOL_H
#define SQL_POOL_H

#include <pthread.h>

#include "connection.h"

struct run;

struct pool {
    const struct connection_settings *settings;
    const struct keeper *keeper;
    SQLHENV environment;
    pthread_mutex_t lock;
    pthread_cond_t changed;    /* a connection came back, an attempt shall end, an artefact has room */
    struct connection *idle;   /* the one used last comes first */
    size_t open;               /* idle ones and those in use */
    struct run *watched;       /* those whose statement may have to be stopped */
    pthread_t canceller;
    bool has_canceller, stopping;
};

/* False: no memory or threads. */
bool pool_create(struct pool *pool, const struct connection_settings *settings, const struct keeper *keeper, SQLHENV environment);
void pool_destroy(struct pool *pool); /* nothing of it is in use any more */

/* A connection that works as far as can be told; waits for one of the pool's when all are in use. `run` may be NULL: then one
 * that is idle, or a new one beyond the pool's size. NULL: `problem`, or the run shall end (then there is none). */
struct connection *pool_take(struct pool *pool, struct run *run, struct problem *problem);
/* Rolls back what is open, and keeps the connection unless it is broken. */
void pool_give(struct pool *pool, struct connection *connection);
void pool_wake(struct pool *pool);

int64_t now_ns(void); /* CLOCK_MONOTONIC */

#endif
