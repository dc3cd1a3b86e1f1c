/* A connection that jobs publish on: one thread, many attempts. */
#ifndef SPINDLE_RABBITMQ_PUBLISHER_H
#define SPINDLE_RABBITMQ_PUBLISHER_H

#include "attempt.h"
#include "backoff.h"
#include "confirms.h"
#include "exchanges.h"
#include "incoming.h"
#include "session.h"

/* What is asked of the broker before a message; each is a bit of `prepared`. */
enum step {
    STEP_NONE = 0,
    STEP_OPEN = 1,
    STEP_CONFIRMS = 2,
    STEP_REPLIES = 4,
    STEP_EXCHANGE = 8,
    STEP_QUEUE = 16,
    STEP_BINDING = 32,
    STEP_CLOSE = 128,
    STEP_LOOK = 64 /* whether the exchange is there */
};

/* A channel and those that want to publish on it. */
struct lane {
    amqp_channel_t number;
    bool trial; /* one message at a time, so that a complaint of the broker is about that one */
    struct attempt_list queue; /* guarded by the publisher's lock */
    /* The publisher's thread alone. */
    struct attempt *front;
    unsigned prepared; /* STEP_OPEN, STEP_CONFIRMS, STEP_REPLIES */
    enum step waiting; /* for the answer to this */
    struct confirms confirms;
    struct incoming incoming;
};

struct writer {
    struct lane *lane; /* NULL = nothing is being written */
    struct attempt *attempt; /* NULL = it ended; the rest of its message still has to go */
    const char *body;
    size_t length, sent;
    char *owned; /* the copy of the body, once the attempt has ended */
    bool announced; /* its header is written */
};

enum { LANE_SHARED, LANE_TRIAL, LANE_COUNT };

struct publisher {
    const struct broker *broker;
    struct breaker breaker;
    pthread_t thread;
    bool started;
    int wake_fd;

    pthread_mutex_t lock; /* of what follows, of the lanes' queues, and of the guarded fields of attempts */
    pthread_cond_t changed;
    bool stopping, woken, cancels, wanted, connected;
    uint64_t failures; /* connections that were not made */
    struct fault last_failure;
    struct exchanges exchanges;
    int64_t next_timer_ns; /* no attempt has one before; -1 = none has */
    bool blocked;
    char blocked_because[128];

    /* The thread alone. */
    struct session session;
    bool broken;
    bool throttled; /* the socket took no more */
    struct fault break_fault;
    struct backoff backoff;
    struct lane lanes[LANE_COUNT];
    struct attempt_list active;
    struct writer writer;
};

bool publisher_create(struct publisher *publisher, const struct broker *broker);
/* No attempt is open. */
void publisher_destroy(struct publisher *publisher);

/* From any thread; none blocks. */
spindle_status publisher_submit(struct publisher *publisher, struct attempt *a);
void publisher_cancel(struct attempt *a, int32_t reason, int64_t grace_ms);
/* Whether the broker lets the connection in; waits for it, until that moment of CLOCK_MONOTONIC. */
bool publisher_check(struct publisher *publisher, int64_t until_ns, struct fault *fault);

/* loop.c: its thread. */
void *publisher_run(void *publisher);
/* On it, or with the attempt still queued. Lets go of all that it has of the attempt: afterwards complete may be
 * called and the attempt may vanish. */
void publisher_retire(struct attempt *a);
void publisher_break(struct publisher *publisher, int status);
/* Back to the head of a queue, as if it had never left it. */
void publisher_requeue(struct attempt *a);

/* Tells those who look at the attempt what it waits for. With the lock. */
void note_blocked(const struct publisher *publisher, const struct attempt *a);

/* timers.c: cancels and deadlines. Returns when to look again, -1 = never. */
int64_t timers_run(struct publisher *publisher, int64_t now_ns);
void timers_note(struct publisher *publisher, int64_t at_ns); /* with the lock */

/* lane.c */
void lane_init(struct lane *lane, amqp_channel_t number, bool trial);
/* Sends the next thing that the lane wants to have sent; false when there is none just now. */
bool lane_advance(struct publisher *publisher, struct lane *lane);
/* The answer to a step. */
bool lane_answer(struct publisher *publisher, struct lane *lane, amqp_method_number_t method);
/* The broker has closed the channel. */
void lane_closed(struct publisher *publisher, struct lane *lane, const amqp_channel_close_t *close);
/* The connection is gone. */
void lane_lost(struct publisher *publisher, struct lane *lane, const struct fault *fault);
struct lane *lane_for(struct publisher *publisher, const struct attempt *a); /* with the lock */

/* writer.c */
void writer_start(struct publisher *publisher, struct lane *lane, struct attempt *a);
void writer_continue(struct publisher *publisher);
void writer_drop(struct publisher *publisher);
void writer_orphan(struct publisher *publisher); /* its attempt ends */

/* receive.c */
/* All that has come; true when there may be more. */
bool receive_all(struct publisher *publisher);

#endif
