/* A channel of a publisher: what it needs before messages can go, and what becomes of them when it is closed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "outcome.h"
#include "publisher.h"

void lane_init(struct lane *lane, amqp_channel_t number, bool trial) {
    memset(lane, 0, sizeof *lane);
    lane->number = number;
    lane->trial = trial;
    confirms_init(&lane->confirms);
    incoming_init(&lane->incoming);
}

struct lane *lane_for(struct publisher *p, const struct attempt *a) {
    bool declares = attempt_declares(a) && (a->prepared & (STEP_EXCHANGE | STEP_QUEUE)) == 0;
    bool proven = exchanges_look(&p->exchanges, &a->message.target.exchange) == EXCHANGE_PROVEN;
    return &p->lanes[declares || !proven ? LANE_TRIAL : LANE_SHARED];
}

static bool send(struct publisher *p, struct lane *lane, enum step step, amqp_method_number_t id, void *method) {
    int status = amqp_send_method(p->session.amqp, lane->number, id, method);
    lane->waiting = step;
    if (status != AMQP_STATUS_OK) publisher_break(p, status);
    return true;
}

static amqp_bytes_t name_of(const struct short_text *text) {
    return bytes_of(spindle_str_make(text->bytes, text->length));
}

static bool send_exchange(struct publisher *p, struct lane *lane, const struct attempt *a, bool look) {
    amqp_exchange_declare_t declare = {.exchange = name_of(&a->message.target.exchange), .durable = 1, .passive = look};
    declare.type = look ? amqp_cstring_bytes("direct") : bytes_of(a->message.declare_exchange);
    return send(p, lane, look ? STEP_LOOK : STEP_EXCHANGE, AMQP_EXCHANGE_DECLARE_METHOD, &declare);
}

static bool send_queue(struct publisher *p, struct lane *lane, const struct attempt *a) {
    amqp_queue_declare_t declare = {.queue = bytes_of(a->message.declare_queue), .durable = 1};
    return send(p, lane, STEP_QUEUE, AMQP_QUEUE_DECLARE_METHOD, &declare);
}

static bool send_binding(struct publisher *p, struct lane *lane, const struct attempt *a) {
    amqp_queue_bind_t bind = {.queue = bytes_of(a->message.declare_queue), .exchange = name_of(&a->message.target.exchange),
                              .routing_key = name_of(&a->message.target.routing_key)};
    return send(p, lane, STEP_BINDING, AMQP_QUEUE_BIND_METHOD, &bind);
}

/* The replies to what is published on a channel come to a consumer of that channel. */
static bool send_consume(struct publisher *p, struct lane *lane) {
    amqp_basic_consume_t consume = {.queue = amqp_cstring_bytes("amq.rabbitmq.reply-to"), .no_ack = 1};
    return send(p, lane, STEP_REPLIES, AMQP_BASIC_CONSUME_METHOD, &consume);
}

static struct attempt *take_front(struct publisher *p, struct lane *lane) {
    struct attempt *a;
    pthread_mutex_lock(&p->lock);
    a = lane->queue.first;
    if (a != NULL) {
        attempt_list_remove(&lane->queue, a);
        a->stage = STAGE_PREPARING;
        attempt_list_add(&p->active, a);
    }
    pthread_mutex_unlock(&p->lock);
    return a;
}

static enum exchange_standing standing_of(struct publisher *p, const struct attempt *a) {
    enum exchange_standing standing;
    pthread_mutex_lock(&p->lock);
    standing = exchanges_look(&p->exchanges, &a->message.target.exchange);
    pthread_mutex_unlock(&p->lock);
    return standing;
}

/* What the front of the trial lane needs besides a channel; false when it is ready. */
static bool advance_trial(struct publisher *p, struct lane *lane, struct attempt *a) {
    const struct message *m = &a->message;
    enum exchange_standing standing;
    if (m->declare_exchange.len > 0 && !(a->prepared & STEP_EXCHANGE)) return send_exchange(p, lane, a, false);
    if (m->declare_queue.len > 0 && !(a->prepared & STEP_QUEUE)) return send_queue(p, lane, a);
    /* The default exchange has every queue already. */
    if (m->declare_queue.len > 0 && m->target.exchange.length > 0 && !(a->prepared & STEP_BINDING)) return send_binding(p, lane, a);
    standing = standing_of(p, a);
    /* A request is not tried out here: its reply would come to this channel, which may be closed over the next trial. */
    if (m->rpc && standing == EXCHANGE_UNKNOWN) return send_exchange(p, lane, a, true);
    if (standing != EXCHANGE_PROVEN) return false;
    publisher_requeue(a); /* to the shared lane */
    return true;
}

/* Those of the lane that were on their way; any order. */
static struct attempt *next_of(struct publisher *p, const struct lane *lane) {
    struct attempt *a;
    for (a = p->active.first; a != NULL && (a->lane != lane || a->stage < STAGE_WRITING); a = a->next) {
    }
    return a;
}

bool lane_advance(struct publisher *p, struct lane *lane) {
    struct attempt *a = lane->front;
    if (lane->waiting != STEP_NONE) return false;
    if (a == NULL) {
        if (lane->trial && confirms_least(&lane->confirms) != 0) {
            amqp_channel_close_t close = {.reply_code = AMQP_REPLY_SUCCESS};
            /* The trial is over without a verdict: what comes next gets a channel of its own. */
            if (next_of(p, lane) != NULL) return false;
            return send(p, lane, STEP_CLOSE, AMQP_CHANNEL_CLOSE_METHOD, &close);
        }
        a = lane->front = take_front(p, lane);
        if (a == NULL) return false;
    }
    if (!(lane->prepared & STEP_OPEN)) {
        amqp_channel_open_t open = {.out_of_band = amqp_empty_bytes};
        return send(p, lane, STEP_OPEN, AMQP_CHANNEL_OPEN_METHOD, &open);
    }
    if (!(lane->prepared & STEP_CONFIRMS)) {
        amqp_confirm_select_t select = {.nowait = 0};
        return send(p, lane, STEP_CONFIRMS, AMQP_CONFIRM_SELECT_METHOD, &select);
    }
    if (lane->trial && advance_trial(p, lane, a)) return true;
    if (a->message.rpc && !(lane->prepared & STEP_REPLIES)) return send_consume(p, lane);
    writer_start(p, lane, a);
    return true;
}

static void reset(struct lane *lane) {
    lane->prepared = 0;
    lane->waiting = STEP_NONE;
    confirms_free(&lane->confirms);
    incoming_reset(&lane->incoming);
}

bool lane_answer(struct publisher *p, struct lane *lane, amqp_method_number_t method) {
    static const struct {
        amqp_method_number_t method;
        unsigned steps;
    } answers[] = {{AMQP_CHANNEL_OPEN_OK_METHOD, STEP_OPEN},
                   {AMQP_CONFIRM_SELECT_OK_METHOD, STEP_CONFIRMS},
                   {AMQP_BASIC_CONSUME_OK_METHOD, STEP_REPLIES},
                   {AMQP_EXCHANGE_DECLARE_OK_METHOD, STEP_EXCHANGE | STEP_LOOK},
                   {AMQP_QUEUE_DECLARE_OK_METHOD, STEP_QUEUE},
                   {AMQP_QUEUE_BIND_OK_METHOD, STEP_BINDING}};
    const enum step step = lane->waiting;
    size_t i;
    if (method == AMQP_CHANNEL_CLOSE_OK_METHOD) {
        /* Not when the broker's own close crossed ours: then the channel was reset already. */
        if (step == STEP_CLOSE) reset(lane);
        return true;
    }
    for (i = 0; i < sizeof answers / sizeof *answers && answers[i].method != method; i++) {
    }
    if (i == sizeof answers / sizeof *answers || !(answers[i].steps & step)) return false;
    lane->waiting = STEP_NONE;
    if (step == STEP_OPEN || step == STEP_CONFIRMS || step == STEP_REPLIES) {
        lane->prepared |= step;
    } else if (lane->front != NULL) { /* it may have been cancelled meanwhile */
        lane->front->prepared |= step;
        if (step == STEP_LOOK) {
            pthread_mutex_lock(&p->lock);
            exchanges_note(&p->exchanges, &lane->front->message.target.exchange, EXCHANGE_PROVEN);
            pthread_mutex_unlock(&p->lock);
        }
    }
    return true;
}

void lane_closed(struct publisher *p, struct lane *lane, const amqp_channel_close_t *close) {
    const bool over_message = close->class_id == AMQP_BASIC_CLASS && close->method_id == (AMQP_BASIC_PUBLISH_METHOD & 0xFFFF);
    const amqp_bytes_t text = close->reply_text;
    struct fault fault, innocent;
    struct attempt *a;
    fault_channel_closed(&fault, close->reply_code, text);
    fault_set(&innocent, SPINDLE_RETRYABLE, "rabbitmq.channel",
              "the broker closed the channel before it confirmed this message; it may have been published: %.*s",
              (int)(text.len < 300 ? text.len : 300), (const char *)text.bytes);
    if (p->writer.lane == lane) {
        /* What follows is for a channel that is not there any more. */
        struct attempt *writing = p->writer.attempt;
        free(p->writer.owned);
        memset(&p->writer, 0, sizeof p->writer);
        if (writing != NULL) {
            pthread_mutex_lock(&p->lock);
            writing->stage = STAGE_UNCONFIRMED;
            pthread_mutex_unlock(&p->lock);
        }
    }
    while ((a = next_of(p, lane)) != NULL) {
        bool named = exchanges_named_in(text, &a->message.target.exchange);
        if (named && !lane->trial) {
            pthread_mutex_lock(&p->lock);
            exchanges_note(&p->exchanges, &a->message.target.exchange, EXCHANGE_SUSPECT);
            pthread_mutex_unlock(&p->lock);
        }
        if (a->stage == STAGE_REPLY) {
            outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.channel",
                          "the broker closed the channel over another message; the request was published, but its reply cannot come any more");
        } else {
            /* Those of the same exchange too: some may have got there before it was gone. The next attempt is a trial. */
            outcome_fault(a, lane->trial ? &fault : &innocent, -1);
        }
    }
    a = lane->front;
    /* Over a step of the front's own, or over a message before it. */
    if (a != NULL && lane->waiting != STEP_NONE && !over_message) outcome_fault(a, &fault, -1);
    else if (a != NULL) publisher_requeue(a);
    reset(lane);
}

void lane_lost(struct publisher *p, struct lane *lane, const struct fault *fault) {
    struct fault doubtful = *fault;
    struct attempt *a;
    while ((a = next_of(p, lane)) != NULL) {
        snprintf(doubtful.message, sizeof doubtful.message, "%.500s; %s", fault->message,
                 a->stage == STAGE_REPLY ? "the request was published, but its reply cannot come any more"
                                         : "the message was not confirmed; it may have been published");
        outcome_fault(a, &doubtful, -1);
    }
    if (lane->front != NULL) {
        lane->front->prepared = 0;
        publisher_requeue(lane->front);
    }
    reset(lane);
}
