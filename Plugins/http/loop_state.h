/* The inside of a loop, shared by loop.c, handles.c and wake.c. */
#ifndef SPINDLE_HTTP_LOOP_STATE_H
#define SPINDLE_HTTP_LOOP_STATE_H

#include <pthread.h>

#include "loop.h"
#include "queue.h"
#include "sockets.h"

#define LOOP_MOST_SPARE 128

struct loop {
    struct instance *instance;
    CURLM *multi;
    struct sockets sockets;
    pthread_t thread;
    pthread_mutex_t lock; /* of the inbox, of `stopping` and of the guarded fields of attempts */
    struct attempt *inbox, **inbox_end;
    bool stopping;
    bool waits; /* nobody has woken it since it began to wait; with `lock` */
    bool token_news; /* a token's name was looked up; with `lock` */
    struct attempt_list waiting;
    struct queue queue;
    CURL *spare[LOOP_MOST_SPARE];
    size_t spare_count;
};

/* wake.c: goes on with those whose time has come; for how many milliseconds nothing else is due. */
int64_t loop_wake_all(struct loop *loop);

#endif
