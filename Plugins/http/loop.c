#include "loop.h"

#include <stdlib.h>

#include "flow.h"
#include "thread.h"

#define MOST_SPARE 128
#define LONGEST_POLL_MS 60000

struct loop {
    struct instance *instance;
    CURLM *multi;
    pthread_t thread;
    pthread_mutex_t lock; /* of the inbox, of `stopping` and of the guarded fields of attempts */
    struct attempt *inbox, **inbox_end;
    bool stopping;
    struct attempt_list backlog, waiting;
    int64_t placed;
    CURL *spare[MOST_SPARE];
    size_t spare_count;
};

static struct attempt_list *list_of(struct attempt *a) {
    struct loop *loop = a->instance->loop;
    if (a->phase == PHASE_BACKLOG) return &loop->backlog;
    return a->phase == PHASE_RESOLVING || a->phase == PHASE_FLUSHING ? &loop->waiting : NULL;
}

void loop_wait(struct attempt *a, enum phase phase) {
    a->phase = phase;
    attempt_list_add(list_of(a), a);
}

void loop_end_wait(struct attempt *a) {
    struct attempt_list *list = list_of(a);
    if (list == NULL) return;
    attempt_list_remove(list, a);
    a->phase = PHASE_NEW;
}

CURL *loop_take_easy(struct loop *loop) {
    return loop->spare_count > 0 ? loop->spare[--loop->spare_count] : curl_easy_init();
}

static void keep_easy(struct loop *loop, CURL *easy) {
    curl_easy_reset(easy); /* it must not point into an attempt that is about to vanish */
    if (loop->spare_count < MOST_SPARE) loop->spare[loop->spare_count++] = easy;
    else curl_easy_cleanup(easy);
}

bool loop_add(struct attempt *a, CURL *easy) {
    struct loop *loop = a->instance->loop;
    a->easy = easy;
    a->phase = PHASE_TRANSFER;
    if (curl_multi_add_handle(loop->multi, easy) == CURLM_OK) return true;
    a->easy = NULL;
    keep_easy(loop, easy);
    return false;
}

void loop_drop_easy(struct attempt *a) {
    struct loop *loop = a->instance->loop;
    if (a->easy == NULL) return;
    curl_multi_remove_handle(loop->multi, a->easy);
    keep_easy(loop, a->easy);
    a->easy = NULL;
    a->paused = false;
}

void loop_retire(struct attempt *a) {
    struct loop *loop = a->instance->loop;
    struct attempt **link;
    loop_drop_easy(a);
    lookup_end(a->lookup); /* before `done`: until here it may still post */
    a->lookup = NULL;
    loop_end_wait(a);
    if (a->placed) loop->placed--;
    a->placed = false;
    pthread_mutex_lock(&loop->lock);
    a->done = true;
    if (a->queued) {
        for (link = &loop->inbox; *link != a; link = &(*link)->inbox_next) {
        }
        *link = a->inbox_next;
        if (*link == NULL) loop->inbox_end = link;
        a->queued = false;
    }
    pthread_mutex_unlock(&loop->lock);
}

static void post(struct attempt *a, bool *flag) {
    struct loop *loop = a->instance->loop;
    pthread_mutex_lock(&loop->lock);
    if (!a->done) {
        if (flag != NULL) *flag = true;
        if (!a->queued) {
            a->queued = true;
            a->inbox_next = NULL;
            *loop->inbox_end = a;
            loop->inbox_end = &a->inbox_next;
            /* Under the lock: the wake-up is then over before the attempt can be retired and the loop destroyed. Only
             * for the first: a loop that has not looked since will find the others too. */
            if (loop->inbox == a) curl_multi_wakeup(loop->multi);
        }
    }
    pthread_mutex_unlock(&loop->lock);
}

void loop_submit(struct attempt *a) {
    post(a, NULL);
}

void loop_cancel(struct attempt *a) {
    post(a, &a->cancel_wanted);
}

void loop_writable(struct attempt *a) {
    post(a, &a->writable);
}

void loop_resolved(void *attempt) {
    struct attempt *a = attempt;
    post(a, &a->resolved);
}

/* Marks the thread as working for the attempt. `host` and `ctx` are read first: the attempt may vanish in between. */
#define WORKING_FOR(a, step)                                                                                            \
    do {                                                                                                                \
        const spindle_host *host_ = (a)->host;                                                                          \
        spindle_host_ctx *ctx_ = (a)->ctx;                                                                              \
        spindle_handle before_ = SPINDLE_OFFERS(host_, enter) ? host_->enter(ctx_, (a)->handle) : 0;                    \
        step;                                                                                                           \
        if (SPINDLE_OFFERS(host_, enter)) host_->enter(ctx_, before_);                                                  \
    } while (0)

static void handle(struct attempt *a, bool cancel, bool writable, bool resolved) {
    if (cancel) {
        flow_cancel(a);
        return;
    }
    if (a->phase == PHASE_NEW) loop_wait(a, PHASE_BACKLOG);
    else if (resolved && a->phase == PHASE_RESOLVING) flow_resolved(a);
    else if (writable) flow_writable(a);
}

/* One at a time, because handling one may retire another that is further back. */
static bool drain(struct loop *loop) {
    for (;;) {
        bool cancel, writable, resolved, stopping;
        struct attempt *a;
        pthread_mutex_lock(&loop->lock);
        a = loop->inbox;
        stopping = loop->stopping;
        if (a != NULL) {
            loop->inbox = a->inbox_next;
            if (loop->inbox == NULL) loop->inbox_end = &loop->inbox;
            a->queued = false;
            cancel = a->cancel_wanted;
            writable = a->writable;
            resolved = a->resolved;
            a->writable = a->resolved = false;
        }
        pthread_mutex_unlock(&loop->lock);
        if (a == NULL) return !stopping;
        WORKING_FOR(a, handle(a, cancel, writable, resolved));
    }
}

static void fill(struct loop *loop) {
    while (loop->backlog.first != NULL && loop->placed < loop->instance->config.max_connections) {
        struct attempt *a = loop->backlog.first;
        loop_end_wait(a);
        loop->placed++;
        a->placed = true;
        WORKING_FOR(a, flow_start(a));
    }
}

static int64_t expire(const struct attempt_list *list, int64_t now, int64_t shortest) {
    struct attempt *a, *next;
    for (a = list->first; a != NULL; a = next) {
        int64_t left = attempt_left_ms(a, now);
        next = a->next; /* expiring one only takes that one away */
        if (left == 0) WORKING_FOR(a, flow_expire(a));
        else if (left > 0 && left < shortest) shortest = left;
    }
    return shortest;
}

static void finish_transfers(struct loop *loop) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        struct attempt *a = NULL;
        CURLcode code = message->data.result; /* the message goes with its handle */
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&a);
        WORKING_FOR(a, flow_transferred(a, code));
    }
}

static void *run(void *argument) {
    struct loop *loop = argument;
    while (drain(loop)) {
        int running = 0;
        int64_t now, wait = LONGEST_POLL_MS;
        fill(loop);
        curl_multi_perform(loop->multi, &running);
        finish_transfers(loop);
        now = clock_mono_ns();
        wait = expire(&loop->waiting, now, wait);
        wait = expire(&loop->backlog, now, wait);
        if (loop->backlog.first != NULL && loop->placed < loop->instance->config.max_connections) wait = 0;
        curl_multi_poll(loop->multi, NULL, 0, (int)wait, NULL);
    }
    return NULL;
}

struct loop *loop_create(struct instance *instance) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) return NULL;
    loop->instance = instance;
    loop->inbox_end = &loop->inbox;
    pthread_mutex_init(&loop->lock, NULL);
    loop->multi = curl_multi_init();
    instance->loop = loop;
    if (loop->multi != NULL) {
        curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)instance->config.max_connections);
        if (thread_start(&loop->thread, "http-loop", run, loop)) return loop;
        curl_multi_cleanup(loop->multi);
    }
    pthread_mutex_destroy(&loop->lock);
    free(loop);
    instance->loop = NULL;
    return NULL;
}

void loop_destroy(struct loop *loop) {
    size_t i;
    if (loop == NULL) return;
    pthread_mutex_lock(&loop->lock);
    loop->stopping = true;
    curl_multi_wakeup(loop->multi);
    pthread_mutex_unlock(&loop->lock);
    pthread_join(loop->thread, NULL);
    for (i = 0; i < loop->spare_count; i++) curl_easy_cleanup(loop->spare[i]);
    curl_multi_cleanup(loop->multi);
    pthread_mutex_destroy(&loop->lock);
    free(loop);
}
