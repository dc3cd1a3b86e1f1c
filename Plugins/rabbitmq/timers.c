/* Cancels and deadlines of a publisher's attempts. */
#include <string.h>

#include "outcome.h"
#include "publisher.h"

void timers_note(struct publisher *p, int64_t at_ns) {
    if (at_ns >= 0 && (p->next_timer_ns < 0 || at_ns < p->next_timer_ns)) p->next_timer_ns = at_ns;
}

static const char *doubt(const struct attempt *a) {
    switch (a->stage) {
    case STAGE_NEW:
    case STAGE_QUEUED:
    case STAGE_PREPARING: return "the message was not sent";
    case STAGE_WRITING:
    case STAGE_UNCONFIRMED: return "the message was sent but not confirmed; it may have been published";
    case STAGE_REPLY: break;
    }
    return "the request was published; it may be carried out";
}

static void expire(struct publisher *p, struct attempt *a) {
    const char *what = a->message.rpc && a->stage == STAGE_REPLY ? "no reply came in time" : "the broker took too long";
    char because[sizeof p->blocked_because];
    bool blocked, connected;
    struct fault last;
    pthread_mutex_lock(&p->lock);
    blocked = p->blocked;
    connected = p->connected || p->failures == 0;
    memcpy(because, p->blocked_because, sizeof because);
    last = p->last_failure;
    pthread_mutex_unlock(&p->lock);
    if (a->stage <= STAGE_WRITING && blocked) {
        outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.timeout", "the broker blocks publishers (%s); %s", because, doubt(a));
    } else if (a->stage <= STAGE_PREPARING && !connected) {
        outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.timeout", "%.500s; %s", last.message, doubt(a));
    } else {
        outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.timeout", "%s; %s", what, doubt(a));
    }
}

static void cancel(struct publisher *p, struct attempt *a, int64_t now_ns) {
    if (a->cancel_reason == SPINDLE_CANCEL_TIMEOUT) {
        expire(p, a);
    } else if (a->stage == STAGE_PREPARING || a->stage == STAGE_REPLY) {
        outcome_error(a, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; %s", doubt(a));
    } else {
        /* The confirm is on its way: what it says is better than a doubt. A quarter of the grace is left for the rest. */
        int64_t grace = a->grace_ms > 0 && a->grace_ms < 3600000 ? a->grace_ms : 0;
        a->give_up_ns = now_ns + grace * 750000;
        a->cancelled = true;
        pthread_mutex_lock(&p->lock);
        timers_note(p, a->give_up_ns);
        pthread_mutex_unlock(&p->lock);
    }
}

/* Out of a queue, with the lock: from then on a cancel does not end it. */
static void take_out(struct publisher *p, struct attempt_list *queue, struct attempt *a) {
    attempt_list_remove(queue, a);
    a->stage = STAGE_PREPARING;
    attempt_list_add(&p->active, a);
}

static struct attempt *first_cancelled(const struct attempt_list *list) {
    struct attempt *a;
    for (a = list->first; a != NULL && !a->cancel_wanted; a = a->next) {
    }
    return a;
}

static void run_cancels(struct publisher *p, int64_t now_ns) {
    size_t i;
    bool any;
    pthread_mutex_lock(&p->lock);
    any = p->cancels;
    p->cancels = false;
    pthread_mutex_unlock(&p->lock);
    while (any) {
        struct attempt *a;
        /* From the start each time: ending one may end others. */
        pthread_mutex_lock(&p->lock);
        a = first_cancelled(&p->active);
        /* One that went back to its queue after its cancel had found it elsewhere. */
        for (i = 0; i < LANE_COUNT && a == NULL; i++) {
            a = first_cancelled(&p->lanes[i].queue);
            if (a != NULL) take_out(p, &p->lanes[i].queue, a);
        }
        if (a != NULL) a->cancel_wanted = false;
        pthread_mutex_unlock(&p->lock);
        if (a == NULL) return;
        cancel(p, a, now_ns);
    }
}

/* With the lock. */
static struct attempt *first_due(struct attempt_list *list, int64_t now_ns, int64_t *next) {
    struct attempt *a;
    for (a = list->first; a != NULL; a = a->next) {
        int64_t at = a->deadline_ns;
        if (a->give_up_ns >= 0 && (at < 0 || a->give_up_ns < at)) at = a->give_up_ns;
        if (at < 0) continue;
        if (at <= now_ns) return a;
        if (*next < 0 || at < *next) *next = at;
    }
    return NULL;
}

int64_t timers_run(struct publisher *p, int64_t now_ns) {
    struct attempt *a;
    int64_t next;
    size_t i;
    run_cancels(p, now_ns);
    for (;;) {
        pthread_mutex_lock(&p->lock);
        next = p->next_timer_ns;
        if (next < 0 || next > now_ns) {
            pthread_mutex_unlock(&p->lock);
            return next;
        }
        next = -1;
        a = first_due(&p->active, now_ns, &next);
        for (i = 0; i < LANE_COUNT && a == NULL; i++) {
            a = first_due(&p->lanes[i].queue, now_ns, &next);
            if (a != NULL) take_out(p, &p->lanes[i].queue, a);
        }
        if (a == NULL) p->next_timer_ns = next;
        pthread_mutex_unlock(&p->lock);
        if (a == NULL) continue;
        if (a->cancelled && a->give_up_ns <= now_ns) {
            outcome_error(a, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; %s", doubt(a));
        } else {
            expire(p, a);
        }
    }
}
