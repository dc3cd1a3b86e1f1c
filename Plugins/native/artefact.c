#include "artefact.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t room;
    bool writable;
};

void artefact_wake(void *state) {
    struct waiting *waiting = state;
    if (waiting == NULL) return;
    (void)pthread_mutex_lock(&waiting->lock);
    waiting->writable = true;
    (void)pthread_cond_signal(&waiting->room);
    (void)pthread_mutex_unlock(&waiting->lock);
}

void artefact_release(void *state) {
    struct waiting *waiting = state;
    if (waiting == NULL) return;
    (void)pthread_cond_destroy(&waiting->room);
    (void)pthread_mutex_destroy(&waiting->lock);
    free(waiting);
}

static struct waiting *make_waiting(const spindle_request *request) {
    struct waiting *waiting;
    if (!SPINDLE_OFFERS(request->host, set_state)) return NULL;
    waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL) return NULL;
    (void)pthread_mutex_init(&waiting->lock, NULL);
    (void)pthread_cond_init(&waiting->room, NULL);
    if (request->host->set_state(request->ctx, request->handle, waiting) == SPINDLE_OK) return waiting;
    artefact_release(waiting);
    return NULL;
}

/* Until there is room. A cancel does not wake: it is looked for every now and then. False: cancelled. */
static bool wait_for_room(const spindle_request *request, struct waiting *waiting) {
    bool cancelled = false;
    (void)pthread_mutex_lock(&waiting->lock);
    while (!waiting->writable && !cancelled) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += 200000000;
        if (until.tv_nsec >= 1000000000) until.tv_nsec -= 1000000000, until.tv_sec++;
        (void)pthread_cond_timedwait(&waiting->room, &waiting->lock, &until);
        cancelled = spindle_cancel_state(request) != SPINDLE_CANCEL_NONE;
    }
    waiting->writable = false;
    (void)pthread_mutex_unlock(&waiting->lock);
    return !cancelled;
}

spindle_status artefact_send(const spindle_request *request, const char *bytes, size_t length) {
    struct waiting *waiting;
    size_t sent = 0;
    if (!SPINDLE_OFFERS(request->host, artefact_write)) return SPINDLE_E_UNSUPPORTED;
    waiting = make_waiting(request);
    if (waiting == NULL) return SPINDLE_E_INTERNAL;
    while (sent < length) {
        size_t step = length - sent > SPINDLE_MAX_ARTEFACT_CHUNK_BYTES ? SPINDLE_MAX_ARTEFACT_CHUNK_BYTES : length - sent;
        spindle_status status = request->host->artefact_write(request->ctx, request->handle, SPINDLE_STR(ARTEFACT_NAME),
                                                              spindle_str_make(bytes + sent, step),
                                                              sent + step == length ? SPINDLE_ARTEFACT_LAST : 0);
        if (status == SPINDLE_AGAIN) {
            if (!wait_for_room(request, waiting)) return SPINDLE_E_BUSY;
            continue;
        }
        if (status < 0) return status;
        sent += step;
    }
    return SPINDLE_OK;
}
