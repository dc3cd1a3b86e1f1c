/* The session's own thread: cancels, answers to triggers, releases that may not run on the plugin's stack, writable, held news. */
#include <stdlib.h>
#include <time.h>

#include "session.h"

/* Asks one attempt to end. */
static void cancel_one(spw_session *session, const cancel_order *order) {
    spindle_status status;
    attempt *attempt = attempt_find(session, order->handle, &status);
    if (attempt == NULL) return;
    instance *instance = attempt->instance;
    void *state = attempt->plugin_state;
    int call = instance->kind->cancel != NULL && (attempt->state & ATTEMPT_ENTERED) != 0
            && (attempt->state & ATTEMPT_COMPLETED) == 0;
    if (!call) {
        pthread_mutex_unlock(&attempt->lock);
        return;
    }
    attempt->calls++;
    uint64_t token = attempt->token;
    pthread_mutex_unlock(&attempt->lock);
    spindle_handle before = thread_enter(session, order->handle, token);
    instance->kind->cancel(instance->state, order->handle, state, (int32_t)order->reason, order->grace_ms);
    thread_enter(session, before, 0);
    pthread_mutex_lock(&attempt->lock);
    attempt->calls--;
    attempt_unlock(session, attempt, 1);
}

void spw_session_cancel(spw_session *session, uint64_t token, uint32_t reason, int64_t grace_ms) {
    if (reason == SPINDLE_CANCEL_NONE || reason > 31) return;
    pthread_mutex_lock(&session->lock);
    attempt *attempt = session->open_attempts;
    while (attempt != NULL && attempt->token != token) attempt = attempt->next_open;
    if (attempt != NULL) {
        pthread_mutex_lock(&attempt->lock);
        int fresh = (attempt->reasons_seen & (1u << reason)) == 0;
        int entered = (attempt->state & ATTEMPT_ENTERED) != 0;
        attempt->reasons_seen |= 1u << reason;
        if (fresh) atomic_store_explicit(&attempt->cancel_reason, (int32_t)reason, memory_order_release);
        pthread_mutex_unlock(&attempt->lock);
        /* Not entered: run sees the reason and does not call execute. */
        cancel_order *order = fresh && entered ? malloc(sizeof *order) : NULL;
        if (order != NULL) {
            *order = (cancel_order){ NULL, atomic_load(&attempt->handle), reason, grace_ms };
            *session->cancels_end = order;
            session->cancels_end = &order->next;
            pthread_cond_signal(&session->work);
        }
    }
    pthread_mutex_unlock(&session->lock);
}

void spw_session_writable(spw_session *session) {
    pthread_mutex_lock(&session->lock);
    session->writable = 1;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
}

void service_release_later(spw_session *session, attempt *attempt) {
    pthread_mutex_lock(&session->lock);
    attempt->next_release = session->releases;
    session->releases = attempt;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
}

void service_hold_until(spw_session *session, int64_t due_ns) {
    pthread_mutex_lock(&session->lock);
    if (session->held_due_ns == 0 || due_ns < session->held_due_ns) {
        session->held_due_ns = due_ns;
        pthread_cond_signal(&session->work);
    }
    pthread_mutex_unlock(&session->lock);
}

/* Tells what was held long enough; the next time to look, 0 = nothing is held. */
static int64_t tell_due(spw_session *session) {
    int64_t next = 0;
    uint32_t count = atomic_load_explicit(&session->attempt_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        attempt *attempt = session->attempts[i];
        pthread_mutex_lock(&attempt->lock);
        if (attempt->held != 0 && atomic_load(&attempt->handle) != 0) {
            int64_t now = session_now_ns();
            int64_t due = attempt->heard_ns + (int64_t)SPW_COALESCE_MS * 1000000;
            if (due <= now) {
                attempt->heard_ns = now;
                attempt_tell_held(session, attempt);
            } else if (next == 0 || due < next) {
                next = due;
            }
        }
        pthread_mutex_unlock(&attempt->lock);
    }
    return next;
}

static void tell_writable(spw_session *session) {
    uint32_t count = atomic_load_explicit(&session->attempt_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        attempt *attempt = session->attempts[i];
        pthread_mutex_lock(&attempt->lock);
        uint64_t handle = atomic_load(&attempt->handle);
        instance *instance = attempt->instance;
        if (handle == 0 || (attempt->state & ATTEMPT_WRITABLE) == 0 || instance->kind->writable == NULL) {
            pthread_mutex_unlock(&attempt->lock);
            continue;
        }
        attempt->state &= ~(uint32_t)ATTEMPT_WRITABLE;
        attempt->calls++;
        void *state = attempt->plugin_state;
        uint64_t token = attempt->token;
        pthread_mutex_unlock(&attempt->lock);
        spindle_handle before = thread_enter(session, handle, token);
        instance->kind->writable(instance->state, handle, state);
        thread_enter(session, before, 0);
        pthread_mutex_lock(&attempt->lock);
        attempt->calls--;
        attempt_unlock(session, attempt, 1);
    }
}

/* Under the lock, which is given up meanwhile: the releases that come until then are done with these, at one wake-up. */
static int gathers(spw_session *session, int64_t last_ns) {
    int64_t left = last_ns + SPW_GATHER_NS - session_now_ns();
    if (left <= 0 || session->open <= SPW_FEW_ATTEMPTS) return 0;
    const struct timespec pause = { .tv_nsec = left < SPW_GATHER_NS ? left : SPW_GATHER_NS };
    pthread_mutex_unlock(&session->lock);
    nanosleep(&pause, NULL);
    pthread_mutex_lock(&session->lock);
    return 1;
}

static void release_all(spw_session *session, attempt *releases) {
    while (releases != NULL) {
        attempt *next = releases->next_release;
        attempt_release(session, releases, 1);
        releases = next;
    }
    if (session->output.gathered != NULL) session->output.gathered(session->output.context);
}

static void wait_for_work(spw_session *session) {
    if (session->held_due_ns == 0) {
        pthread_cond_wait(&session->work, &session->lock);
        return;
    }
    struct timespec until = { .tv_sec = session->held_due_ns / 1000000000, .tv_nsec = session->held_due_ns % 1000000000 };
    pthread_cond_timedwait(&session->work, &session->lock, &until);
}

static void *serve(void *argument) {
    spw_session *session = argument;
    int64_t released_ns = 0;
    pthread_mutex_lock(&session->lock);
    for (;;) {
        cancel_order *cancels = session->cancels;
        answer_order *answers = session->answers;
        attempt *releases = session->releases;
        int writable = session->writable;
        int due = session->held_due_ns != 0 && session->held_due_ns <= session_now_ns();
        if (cancels == NULL && answers == NULL && releases == NULL && !writable && !due) {
            if (session->stopping) break;
            wait_for_work(session);
            continue;
        }
        int only_releases = cancels == NULL && answers == NULL && !writable && !due;
        if (only_releases && gathers(session, released_ns)) continue;
        session->cancels = NULL;
        session->cancels_end = &session->cancels;
        session->answers = NULL;
        session->answers_end = &session->answers;
        session->releases = NULL;
        session->writable = 0;
        if (due) session->held_due_ns = 0;
        pthread_mutex_unlock(&session->lock);
        while (cancels != NULL) {
            cancel_order *done = cancels;
            cancels = cancels->next;
            cancel_one(session, done);
            free(done);
        }
        while (answers != NULL) {
            answer_order *done = answers;
            answers = answers->next;
            answer_one(session, done);
            free(done);
        }
        if (releases != NULL) {
            released_ns = session_now_ns();
            release_all(session, releases);
        }
        if (writable) tell_writable(session);
        int64_t next = due ? tell_due(session) : 0;
        pthread_mutex_lock(&session->lock);
        if (next != 0 && (session->held_due_ns == 0 || next < session->held_due_ns)) session->held_due_ns = next;
    }
    pthread_mutex_unlock(&session->lock);
    return NULL;
}

int service_start(spw_session *session) {
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&session->work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return pthread_create(&session->service, NULL, serve, session);
}

void service_stop(spw_session *session) {
    pthread_mutex_lock(&session->lock);
    session->stopping = 1;
    pthread_cond_signal(&session->work);
    pthread_mutex_unlock(&session->lock);
    pthread_join(session->service, NULL);
    pthread_cond_destroy(&session->work);
}
