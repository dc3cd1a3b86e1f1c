/* The thread of a publisher: connects, receives, sends, sleeps. */
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "outcome.h"
#include "publisher.h"
#include "thread.h"

#define LONGEST_POLL_MS 60000

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

void *publisher_run(void *argument) {
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
