/* What comes from the broker. */
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "outcome.h"
#include "publisher.h"

#define MOST_AT_ONCE 1000

static struct lane *lane_of(struct publisher *p, amqp_channel_t channel) {
    size_t i;
    for (i = 0; i < LANE_COUNT; i++) {
        if (p->lanes[i].number == channel) return &p->lanes[i];
    }
    return NULL;
}

static void settle(struct publisher *p, struct lane *lane, uint64_t tag, bool accepted) {
    struct attempt *a = confirms_take(&lane->confirms, tag);
    if (a == NULL) return;
    a->tag = 0;
    if (a->returned) {
        outcome_error(a, SPINDLE_PERMANENT, "rabbitmq.unroutable",
                      "no queue is bound to exchange \"%s\" for routing key \"%s\" (%s); bind one, or set Mandatory=false",
                      a->message.target.exchange.bytes, a->message.target.routing_key.bytes, a->returned_because);
        return;
    }
    if (!accepted) {
        outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.nack",
                      "the broker did not take the message: a queue is full, or could not store it");
        return;
    }
    pthread_mutex_lock(&p->lock);
    exchanges_note(&p->exchanges, &a->message.target.exchange, EXCHANGE_PROVEN);
    a->stage = STAGE_REPLY;
    pthread_mutex_unlock(&p->lock);
    if (!a->message.rpc) outcome_published(a);
    else if (a->cancelled) outcome_error(a, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; the request was published; it may be carried out");
}

static void settle_all(struct publisher *p, struct lane *lane, uint64_t tag, bool multiple, bool accepted) {
    uint64_t least;
    backoff_reset(&p->backoff);
    if (!multiple) {
        settle(p, lane, tag, accepted);
        return;
    }
    /* 0 means all that there are. */
    while ((least = confirms_least(&lane->confirms)) != 0 && (tag == 0 || least <= tag)) settle(p, lane, least, accepted);
}

static void returned(struct publisher *p, const struct incoming *message) {
    struct attempt *a;
    spindle_str id;
    if (!header_text(&message->properties, ATTEMPT_HEADER, &id)) return;
    for (a = p->active.first; a != NULL && !spindle_str_equal(a->source->attempt_id, id); a = a->next) {
    }
    if (a == NULL) return;
    a->returned = true; /* the confirm follows */
    snprintf(a->returned_because, sizeof a->returned_because, "%u %.*s", message->reply_code,
             (int)(message->reply_text.len < 60 ? message->reply_text.len : 60), (const char *)message->reply_text.bytes);
}

/* Replies that nobody waits for any more are dropped: that is what a late one is. */
static void replied(struct publisher *p, struct lane *lane, const struct incoming *message) {
    struct attempt *a;
    if (!(message->properties._flags & AMQP_BASIC_CORRELATION_ID_FLAG)) return;
    for (a = p->active.first; a != NULL; a = a->next) {
        if (a->message.rpc && a->lane == lane && a->stage >= STAGE_UNCONFIRMED &&
            spindle_str_equal(a->source->attempt_id, str_of(message->properties.correlation_id))) {
            /* It may come before the confirm, which it makes unnecessary. */
            outcome_reply(a, message);
            return;
        }
    }
}

static void set_blocked(struct publisher *p, bool blocked, amqp_bytes_t reason) {
    struct attempt *a;
    size_t i;
    pthread_mutex_lock(&p->lock);
    p->blocked = blocked;
    snprintf(p->blocked_because, sizeof p->blocked_because, "%.*s", (int)(reason.len < 100 ? reason.len : 100),
             reason.len > 0 ? (const char *)reason.bytes : "");
    for (i = 0; i < LANE_COUNT && blocked; i++) {
        for (a = p->lanes[i].queue.first; a != NULL; a = a->next) note_blocked(p, a);
    }
    for (a = p->active.first; a != NULL && blocked; a = a->next) {
        if (a->stage != STAGE_REPLY) note_blocked(p, a);
    }
    pthread_mutex_unlock(&p->lock);
}

static void receive_close(struct publisher *p, const amqp_connection_close_t *close) {
    struct attempt *front = p->lanes[LANE_TRIAL].front;
    amqp_connection_close_ok_t ok = {0};
    /* Over a declaration, which only that one can have sent: tried again it would end the connection of all again. */
    if (front != NULL && (close->class_id == AMQP_EXCHANGE_CLASS || close->class_id == AMQP_QUEUE_CLASS)) {
        outcome_error(front, SPINDLE_PERMANENT, "rabbitmq.declare", "the broker refused the declaration with %u: %.*s", close->reply_code,
                      (int)(close->reply_text.len < 300 ? close->reply_text.len : 300), (const char *)close->reply_text.bytes);
    }
    (void)amqp_send_method(p->session.amqp, 0, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    p->broken = true;
    fault_set(&p->break_fault, SPINDLE_RETRYABLE, "rabbitmq.connection", "the broker closed the connection with %u: %.*s",
              close->reply_code, (int)(close->reply_text.len < 300 ? close->reply_text.len : 300), (const char *)close->reply_text.bytes);
}

static bool receive_control(struct publisher *p, const amqp_frame_t *frame) {
    if (frame->frame_type != AMQP_FRAME_METHOD) return frame->frame_type == AMQP_FRAME_HEARTBEAT;
    switch (frame->payload.method.id) {
    case AMQP_CONNECTION_BLOCKED_METHOD:
        set_blocked(p, true, ((amqp_connection_blocked_t *)frame->payload.method.decoded)->reason);
        return true;
    case AMQP_CONNECTION_UNBLOCKED_METHOD: set_blocked(p, false, amqp_empty_bytes); return true;
    case AMQP_CONNECTION_CLOSE_METHOD: receive_close(p, frame->payload.method.decoded); return true;
    default: return false;
    }
}

static bool receive_content(struct publisher *p, struct lane *lane, enum incoming_state state) {
    if (state == INCOMING_BROKEN) return false;
    if (state == INCOMING_WHOLE) {
        if (lane->incoming.kind == INCOMING_RETURN) returned(p, &lane->incoming);
        else replied(p, lane, &lane->incoming);
        incoming_reset(&lane->incoming);
    }
    return true;
}

static bool receive_method(struct publisher *p, struct lane *lane, const amqp_frame_t *frame) {
    const amqp_method_t *method = &frame->payload.method;
    switch (method->id) {
    case AMQP_BASIC_ACK_METHOD: {
        const amqp_basic_ack_t *ack = method->decoded;
        settle_all(p, lane, ack->delivery_tag, ack->multiple, true);
        return true;
    }
    case AMQP_BASIC_NACK_METHOD: {
        const amqp_basic_nack_t *nack = method->decoded;
        settle_all(p, lane, nack->delivery_tag, nack->multiple, false);
        return true;
    }
    case AMQP_BASIC_RETURN_METHOD:
    case AMQP_BASIC_DELIVER_METHOD: return receive_content(p, lane, incoming_start(&lane->incoming, frame));
    case AMQP_CHANNEL_CLOSE_METHOD: {
        const amqp_channel_close_t *close = method->decoded;
        amqp_channel_close_ok_t ok = {0};
        int status = amqp_send_method(p->session.amqp, lane->number, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
        if (status != AMQP_STATUS_OK) publisher_break(p, status);
        lane_closed(p, lane, close);
        return true;
    }
    default: return lane_answer(p, lane, method->id);
    }
}

static bool receive_frame(struct publisher *p, const amqp_frame_t *frame) {
    struct lane *lane;
    if (frame->channel == 0) return receive_control(p, frame);
    lane = lane_of(p, frame->channel);
    if (lane == NULL) return false;
    if (frame->frame_type == AMQP_FRAME_METHOD) return receive_method(p, lane, frame);
    return receive_content(p, lane, incoming_feed(&lane->incoming, frame, SPINDLE_MAX_OUTPUT_BYTES));
}

bool receive_all(struct publisher *p) {
    struct timeval none = {0, 0};
    amqp_frame_t frame;
    int i, status;
    for (i = 0; i < MOST_AT_ONCE && !p->broken; i++) {
        status = amqp_simple_wait_frame_noblock(p->session.amqp, &frame, &none);
        if (status == AMQP_STATUS_TIMEOUT) return false;
        if (status != AMQP_STATUS_OK) publisher_break(p, status);
        else if (!receive_frame(p, &frame)) publisher_break(p, AMQP_STATUS_BAD_AMQP_DATA);
        if (!p->broken) amqp_maybe_release_buffers(p->session.amqp);
    }
    return true;
}
