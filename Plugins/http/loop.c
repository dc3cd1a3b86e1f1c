#include "loop.h"

#include <stdlib.h>

#include "flow.h"
#include "loop_state.h"
#include "thread.h"
#include "token.h"

struct queue *loop_queue(struct attempt *a) {
    return &a->instance->loop->queue;
}

void loop_wait(struct attempt *a, enum phase phase) {
    a->phase = phase;
    attempt_list_add(&a->instance->loop->waiting, a);
}

void loop_end_wait(struct attempt *a) {
    attempt_list_remove(a);
    a->phase = PHASE_NEW;
}

void loop_rest(struct attempt *a) {
    lookup_end(a->lookup);
    a->lookup = NULL;
    queue_leave(loop_queue(a), a);
    loop_wait(a, PHASE_RESTING);
}

void loop_forget_token(struct token *token) {
    struct loop *loop = token->instance->loop;
    pthread_mutex_lock(&loop->lock);
    token->resolved = false;
    pthread_mutex_unlock(&loop->lock);
}

void loop_retire(struct attempt *a) {
    struct loop *loop = a->instance->loop;
    struct attempt **link;
    loop_drop_easy(a);
    lookup_end(a->lookup); /* before `done`: until here it may still post */
    a->lookup = NULL;
    queue_leave(&loop->queue, a);
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

/* With the lock. A loop that is at work, or was woken already, looks again before it waits. */
static void wake(struct loop *loop) {
    if (!loop->waits) return;
    loop->waits = false;
    sockets_wake(&loop->sockets);
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
            /* Under the lock: the wake-up is then over before the attempt can be retired and the loop destroyed. */
            wake(loop);
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

void loop_token_resolved(void *context) {
    struct token *token = context;
    struct loop *loop = token->instance->loop;
    pthread_mutex_lock(&loop->lock);
    token->resolved = loop->token_news = true;
    wake(loop);
    pthread_mutex_unlock(&loop->lock);
}

static void handle(struct attempt *a, bool cancel, bool writable, bool resolved) {
    if (cancel) {
        flow_cancel(a);
        return;
    }
    if (a->phase == PHASE_NEW) flow_begin(a);
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
        LOOP_WORKING_FOR(a, handle(a, cancel, writable, resolved));
    }
}

static void fill(struct loop *loop) {
    while (queue_has(&loop->queue)) {
        struct attempt *a = queue_take(&loop->queue);
        LOOP_WORKING_FOR(a, flow_start(a));
    }
}

static void look_at_tokens(struct loop *loop) {
    const struct config *config = &loop->instance->config;
    bool news, resolved;
    size_t i;
    pthread_mutex_lock(&loop->lock);
    news = loop->token_news;
    loop->token_news = false;
    pthread_mutex_unlock(&loop->lock);
    for (i = 0; news && i < config->host_count; i++) {
        struct token *token = config->hosts[i].token;
        if (token == NULL) continue;
        pthread_mutex_lock(&loop->lock);
        resolved = token->resolved;
        token->resolved = false;
        pthread_mutex_unlock(&loop->lock);
        if (resolved) token_resolved(token);
    }
}

static void finish_transfers(struct loop *loop) {
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(loop->multi, &left)) != NULL) {
        enum transfer_owner *owner = NULL;
        CURLcode code = message->data.result; /* the message goes with its handle */
        if (message->msg != CURLMSG_DONE) continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&owner);
        if (*owner == OWNER_TOKEN) token_transferred((struct token *)owner, code);
        else LOOP_WORKING_FOR((struct attempt *)owner, flow_transferred((struct attempt *)owner, code));
    }
}

/* Until something happens, at most so long; not at all if something was posted meanwhile. */
static void wait_for_news(struct loop *loop, int64_t milliseconds) {
    pthread_mutex_lock(&loop->lock);
    loop->waits = milliseconds > 0 && loop->inbox == NULL && !loop->stopping && !loop->token_news;
    if (!loop->waits) milliseconds = 0;
    pthread_mutex_unlock(&loop->lock);
    sockets_serve(&loop->sockets, milliseconds);
    pthread_mutex_lock(&loop->lock);
    loop->waits = false;
    pthread_mutex_unlock(&loop->lock);
}

static void *run(void *argument) {
    struct loop *loop = argument;
    while (drain(loop)) {
        int64_t wait;
        look_at_tokens(loop);
        fill(loop);
        finish_transfers(loop);
        wait = loop_wake_all(loop);
        if (queue_has(&loop->queue)) wait = 0;
        wait_for_news(loop, wait);
    }
    return NULL;
}

static bool make_tokens(struct instance *instance) {
    size_t i;
    for (i = 0; i < instance->config.host_count; i++) {
        struct host_config *host = &instance->config.hosts[i];
        if (host->auth != AUTH_OAUTH2) continue;
        host->token = token_create(instance, host);
        if (host->token == NULL) return false;
    }
    return true;
}

static void free_loop(struct loop *loop) {
    size_t i;
    for (i = 0; i < loop->instance->config.host_count; i++) {
        token_free(loop->instance->config.hosts[i].token);
        loop->instance->config.hosts[i].token = NULL;
    }
    for (i = 0; i < loop->spare_count; i++) curl_easy_cleanup(loop->spare[i]);
    if (loop->multi != NULL) curl_multi_cleanup(loop->multi);
    sockets_free(&loop->sockets);
    pthread_mutex_destroy(&loop->lock);
    loop->instance->loop = NULL;
    free(loop);
}

struct loop *loop_create(struct instance *instance) {
    struct loop *loop = calloc(1, sizeof *loop);
    if (loop == NULL) return NULL;
    loop->instance = instance;
    loop->inbox_end = &loop->inbox;
    pthread_mutex_init(&loop->lock, NULL);
    queue_init(&loop->queue, &instance->config);
    loop->multi = curl_multi_init();
    instance->loop = loop;
    if (loop->multi != NULL && sockets_init(&loop->sockets, loop->multi) && make_tokens(instance)) {
        curl_multi_setopt(loop->multi, CURLMOPT_MAXCONNECTS, (long)instance->config.max_connections);
        if (thread_start(&loop->thread, "http-loop", run, loop)) return loop;
    }
    free_loop(loop);
    return NULL;
}

void loop_destroy(struct loop *loop) {
    if (loop == NULL) return;
    pthread_mutex_lock(&loop->lock);
    loop->stopping = true;
    wake(loop);
    pthread_mutex_unlock(&loop->lock);
    pthread_join(loop->thread, NULL);
    free_loop(loop);
}
