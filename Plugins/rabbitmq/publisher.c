#include "publisher.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "outcome.h"
#include "thread.h"

#define CHECK_MOST_MS 8000
#define LONGEST_POLL_MS 60000

static void wake(struct publisher *p) { /* with the lock */
    const uint64_t one = 1;
    if (p->woken) return;
    p->woken = true;
    if (write(p->wake_fd, &one, sizeof one) < 0) p->woken = false;
}

/* ---- From any thread. ---- */

void note_blocked(const struct publisher *p, const struct attempt *a) {
    char note[192];
    snprintf(note, sizeof note, "waiting: the broker blocks publishers (%s)", p->blocked_because);
    if (SPINDLE_OFFERS(a->host, progress)) {
        (void)a->host->progress(a->ctx, a->handle, 0, -1, spindle_str_from_cstr(note));
    }
}

static void *run(void *argument);

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
        p->started = thread_start(&p->thread, "amqp-publish", run, p);
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

bool publisher_check(struct publisher *p, struct fault *fault) {
    struct timespec until;
    uint64_t failures;
    bool connected;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CHECK_MOST_MS / 1000;
    pthread_mutex_lock(&p->lock);
    if (!p->started) p->started = thread_start(&p->thread, "amqp-publish", run, p);
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

/* ---- On its thread (or with an attempt that was taken out of its queue). ---- */

void publisher_retire(struct attempt *a) {
    struct publisher *p = a->publisher;
    pthread_mutex_lock(&p->lock);
    if (a->done) {
        /* publisher_cancel has taken it out already. */
        pthread_mutex_unlock(&p->lock);
        return;
    }
    a->done = true;
    attempt_list_remove(a->stage == STAGE_QUEUED ? &a->lane->queue : &p->active, a);
    pthread_mutex_unlock(&p->lock);
    if (a->stage == STAGE_QUEUED) return;
    if (a->lane->front == a) a->lane->front = NULL;
    if (a->tag != 0) confirms_forget(&a->lane->confirms, a->tag);
    if (p->writer.attempt == a) writer_orphan(p);
}

void publisher_break(struct publisher *p, int status) {
    if (p->broken) return;
    p->broken = true;
    fault_set(&p->break_fault, SPINDLE_RETRYABLE, "rabbitmq.connection", "the connection to %s:%d broke: %s", p->broker->host,
              p->broker->port, fault_reason(status));
}

void publisher_requeue(struct attempt *a) {
    struct publisher *p = a->publisher;
    if (a->lane->front == a) a->lane->front = NULL;
    a->tag = 0;
    pthread_mutex_lock(&p->lock);
    attempt_list_remove(&p->active, a);
    a->stage = STAGE_QUEUED;
    a->lane = lane_for(p, a);
    attempt_list_add_first(&a->lane->queue, a);
    pthread_mutex_unlock(&p->lock);
}

static struct attempt *take_queued(struct publisher *p) {
    struct attempt *a = NULL;
    size_t i;
    pthread_mutex_lock(&p->lock);
    for (i = 0; i < LANE_COUNT && a == NULL; i++) {
        a = p->lanes[i].queue.first;
        if (a == NULL) continue;
        attempt_list_remove(&p->lanes[i].queue, a);
        a->stage = STAGE_PREPARING;
        attempt_list_add(&p->active, a);
    }
    pthread_mutex_unlock(&p->lock);
    return a;
}

static void connect_broker(struct publisher *p) {
    struct fault fault;
    struct attempt *a;
    bool connected;
    p->broken = false;
    connected = session_open(&p->session, p->broker, &p->breaker, &fault);
    if (!connected) backoff_fail(&p->backoff, clock_mono_ns());
    pthread_mutex_lock(&p->lock);
    p->connected = connected;
    p->wanted = false;
    if (!connected) {
        p->failures++;
        p->last_failure = fault;
    }
    pthread_cond_broadcast(&p->changed);
    pthread_mutex_unlock(&p->lock);
    if (connected) return;
    while ((a = take_queued(p)) != NULL) outcome_fault(a, &fault, fault.outcome == SPINDLE_RETRYABLE ? p->backoff.delay_ms : -1);
}

static void disconnect(struct publisher *p) {
    struct attempt_list shared;
    struct attempt *a;
    size_t i;
    backoff_fail(&p->backoff, clock_mono_ns());
    p->throttled = false;
    writer_drop(p);
    session_close(&p->session, &p->breaker, false);
    pthread_mutex_lock(&p->lock);
    p->connected = p->blocked = false;
    exchanges_clear(&p->exchanges);
    /* What was known of the exchanges is not any more. */
    shared = p->lanes[LANE_SHARED].queue;
    memset(&p->lanes[LANE_SHARED].queue, 0, sizeof shared);
    while ((a = shared.first) != NULL) {
        attempt_list_remove(&shared, a);
        a->lane = lane_for(p, a);
        attempt_list_add(&a->lane->queue, a);
    }
    pthread_mutex_unlock(&p->lock);
    for (i = 0; i < LANE_COUNT; i++) lane_lost(p, &p->lanes[i], &p->break_fault);
}

static void send_all(struct publisher *p) {
    p->throttled = false;
    while (!p->broken) {
        if (!session_may_send(&p->session)) {
            p->throttled = true;
            return;
        }
        if (p->writer.lane != NULL) writer_continue(p);
        else if (p->blocked || (!lane_advance(p, &p->lanes[LANE_SHARED]) && !lane_advance(p, &p->lanes[LANE_TRIAL]))) return;
    }
}

/* Sleeps until something comes from the broker or from other threads, or until `timer_ns`. */
static void sleep_until(struct publisher *p, int64_t timer_ns, bool at_once) {
    struct pollfd files[2] = {{p->wake_fd, POLLIN, 0}, {p->session.fd, POLLIN, 0}};
    int64_t wait = LONGEST_POLL_MS, now = clock_mono_ns();
    uint64_t count;
    if (p->session.amqp != NULL && session_heartbeat_ms(&p->session) < wait) wait = session_heartbeat_ms(&p->session);
    if (timer_ns >= 0 && (timer_ns - now + 999999) / 1000000 < wait) wait = (timer_ns - now + 999999) / 1000000;
    if (wait < 0 || at_once) wait = 0;
    if (p->throttled) files[1].events |= POLLOUT;
    (void)poll(files, p->session.amqp != NULL ? 2 : 1, (int)wait);
    pthread_mutex_lock(&p->lock);
    if (p->woken && read(p->wake_fd, &count, sizeof count) == (ssize_t)sizeof count) p->woken = false;
    pthread_mutex_unlock(&p->lock);
}

static bool is_wanted(struct publisher *p) {
    bool wanted;
    pthread_mutex_lock(&p->lock);
    wanted = p->wanted || p->lanes[LANE_SHARED].queue.first != NULL || p->lanes[LANE_TRIAL].queue.first != NULL;
    pthread_mutex_unlock(&p->lock);
    return wanted;
}

static bool is_stopping(struct publisher *p) {
    bool stopping;
    pthread_mutex_lock(&p->lock);
    stopping = p->stopping;
    pthread_mutex_unlock(&p->lock);
    return stopping;
}

static void *run(void *argument) {
    struct publisher *p = argument;
    while (!is_stopping(p)) {
        int64_t now = clock_mono_ns(), timer = timers_run(p, now);
        bool more = false;
        if (p->session.amqp == NULL) {
            if (is_wanted(p)) {
                if (now >= p->backoff.next_ns) {
                    connect_broker(p);
                    continue;
                }
                if (timer < 0 || p->backoff.next_ns < timer) timer = p->backoff.next_ns;
            }
        } else {
            more = receive_all(p);
            if (!p->broken) send_all(p);
            if (p->broken) {
                disconnect(p);
                continue;
            }
            /* What sending read on the way lies in the library, where poll does not see it. */
            more = more || amqp_frames_enqueued(p->session.amqp) || amqp_data_in_buffer(p->session.amqp);
        }
        sleep_until(p, timer, more);
    }
    session_close(&p->session, &p->breaker, !p->broken);
    return NULL;
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
