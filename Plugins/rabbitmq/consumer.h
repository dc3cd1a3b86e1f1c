/* Consumes a queue for a trigger: one thread, from execute to complete. */
#ifndef SPINDLE_RABBITMQ_CONSUMER_H
#define SPINDLE_RABBITMQ_CONSUMER_H

#include <pthread.h>

#include "backoff.h"
#include "incoming.h"
#include "mapping.h"
#include "session.h"

struct trigger_config {
    json_t *root;
    struct broker broker;
    const char *queue;
    int prefetch;
    int64_t retry_delay_ms;
    struct mapping mapping;
};

/* What became of a delivery. */
struct verdict {
    uint64_t token;
    int32_t status;
};

struct consumer {
    const struct trigger_config *config;
    const spindle_trigger_host *extension;
    const spindle_host *host;
    spindle_host_ctx *ctx;
    spindle_handle handle;
    struct breaker breaker;
    int wake_fd;

    pthread_mutex_t lock; /* of what follows */
    bool stopping, connected;
    int64_t grace_ms;
    struct verdict *verdicts;
    size_t verdict_count, verdict_capacity;
    bool verdict_lost; /* for want of memory: all is asked for again */

    /* The thread alone. */
    struct session session;
    struct backoff backoff;
    struct incoming incoming;
    struct mapped mapped;
    uint64_t generation; /* of the session: the broker counts anew in each */
    int64_t open;        /* submissions of this session without an answer */
    int64_t taken, taken_before; /* in all, before this session */
    struct delivery {
        bool used;
        int64_t due_ns; /* when to submit it again; -1 = it waits for its answer */
        struct incoming message;
    } *deliveries; /* `prefetch` of them: what the broker has handed out and not got back */
    bool cancelled; /* it takes nothing new */
    int64_t give_up_ns, heartbeat_ns;
    bool broken;
    struct fault fault;
};

/* NULL without memory. */
struct consumer *consumer_create(const struct trigger_config *config, const spindle_trigger_host *extension,
                                 const spindle_request *request);
void consumer_free(struct consumer *consumer);
/* Runs until it completed the attempt, after which it does not touch the consumer any more. */
void *consumer_run(void *consumer);

/* From any thread; none blocks. */
void consumer_stop(struct consumer *consumer, int64_t grace_ms);
void consumer_answer(struct consumer *consumer, uint64_t token, int32_t status);

/* delivery.c, on the thread. False = the connection is no good any more, see `fault`. */
bool delivery_frame(struct consumer *consumer, const amqp_frame_t *frame);
void delivery_forget_all(struct consumer *consumer); /* the session is new */
int64_t delivery_next_due(const struct consumer *consumer); /* -1 = none */
bool delivery_settle(struct consumer *consumer, int64_t now_ns); /* all verdicts and what is due */
void consumer_break(struct consumer *consumer, int status);
void consumer_log(const struct consumer *consumer, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

#define CONSUMER_CHANNEL 1
/* A token is the session's generation and the place among the deliveries. */
#define TOKEN_PLACE_BITS 16

#endif
