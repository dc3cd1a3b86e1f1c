#include "publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "outcome.h"
#include "thread.h"


static void wake(struct publisher *p) { /* with the lock */
    const uint64_t one = 1;
    if (p->woken) return;
    p->woken = true;
    if (write(p->wake_fd, &one, sizeof one) < 0) p->woken = false;
}

void note_blocked(const struct publisher *p, const struct attempt *a) {
    char note[192];
    snprintf(note, sizeof note, "waiting: the broker blocks publishers (%s)", p->blocked_because);
    if (SPINDLE_OFFERS(a->host, progress)) {
        (void)a->host->progress(a->ctx, a->handle, 0, -1, spindle_str_from_cstr(note));
    }
}

static void end_unsent(struct attempt *a, int32_t reason) {
    if (reason == SPINDLE_CANCEL_TIMEOUT) {
        outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.timeout", "the message was not sent in time");
    } else {
        outcome_error(a, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; the message was not sent");
    }
}

spindle_status publisher_submit(struct publisher *p, struct attempt *a) {
    bool cancelled;
    pthread_mutex_lock(&p->lock);
    if (!p->started) {
        /* With the first job: an instance may name many connections of which it never uses most. */
        p->started = thread_start(&p->thread, "amqp-publish", publisher_run, p);
        if (!p->started) {
            pthread_mutex_unlock(&p->lock);
            return SPINDLE_E_BUSY;
        }
    }
    cancelled = a->cancel_wanted;
    if (cancelled) {
        a->done = true;
    } else {
        if (p->blocked) note_blocked(p, a);
        a->stage = STAGE_QUEUED;
        a->lane = lane_for(p, a);
        attempt_list_add(&a->lane->queue, a);
        timers_note(p, a->deadline_ns);
        wake(p);
    }
    pthread_mutex_unlock(&p->lock);
    /* Of an attempt that is in the queue nothing may be touched any more: it may have ended already. */
    if (cancelled) end_unsent(a, a->cancel_reason);
    return SPINDLE_PENDING;
}

void publisher_cancel(struct attempt *a, int32_t reason, int64_t grace_ms) {
    struct publisher *p = a->publisher;
    bool queued;
    pthread_mutex_lock(&p->lock);
    queued = !a->done && a->stage == STAGE_QUEUED;
    if (queued) {
        /* Here and now, because the thread may be waiting for a broker that does not answer. */
        attempt_list_remove(&a->lane->queue, a);
        a->done = true;
    } else if (!a->done) {
        a->cancel_wanted = true;
        a->cancel_reason = reason;
        a->grace_ms = grace_ms;
        p->cancels = true;
        if (a->stage != STAGE_NEW) wake(p);
    }
    pthread_mutex_unlock(&p->lock);
    if (queued) end_unsent(a, reason);
}

bool publisher_check(struct publisher *p, int64_t until_ns, struct fault *fault) {
    const struct timespec until = {until_ns / 1000000000, until_ns % 1000000000};
    uint64_t failures;
    bool connected;
    pthread_mutex_lock(&p->lock);
    if (!p->started) p->started = thread_start(&p->thread, "amqp-publish", publisher_run, p);
    failures = p->failures;
    p->wanted = p->started && !p->connected;
    if (p->wanted) wake(p);
    while (p->wanted && p->failures == failures && pthread_cond_timedwait(&p->changed, &p->lock, &until) == 0) {
    }
    connected = p->connected;
    if (p->failures != failures) *fault = p->last_failure;
    else fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "the connection \"%s\" is still being made", p->broker->name);
    pthread_mutex_unlock(&p->lock);
    return connected;
}

bool publisher_create(struct publisher *p, const struct broker *broker) {
    pthread_condattr_t attributes;
    memset(p, 0, sizeof *p);
    p->broker = broker;
    p->next_timer_ns = -1;
    p->session.fd = -1;
    p->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (p->wake_fd < 0) return false;
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&p->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    breaker_init(&p->breaker);
    backoff_init(&p->backoff, broker->max_reconnect_delay_ms);
    lane_init(&p->lanes[LANE_SHARED], 1, false);
    lane_init(&p->lanes[LANE_TRIAL], 2, true);
    return true;
}

void publisher_destroy(struct publisher *p) {
    bool started, connected;
    size_t i;
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    started = p->started;
    connected = p->connected;
    wake(p);
    pthread_mutex_unlock(&p->lock);
    if (started) {
        /* A connection that stands is ended politely; one that is being made is broken off. */
        if (!connected) breaker_break(&p->breaker);
        pthread_join(p->thread, NULL);
    }
    for (i = 0; i < LANE_COUNT; i++) {
        confirms_free(&p->lanes[i].confirms);
        incoming_free(&p->lanes[i].incoming);
    }
    free(p->writer.owned);
    exchanges_clear(&p->exchanges);
    breaker_destroy(&p->breaker);
    pthread_cond_destroy(&p->changed);
    pthread_mutex_destroy(&p->lock);
    close(p->wake_fd);
}
