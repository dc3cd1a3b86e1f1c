/* A delivery on its way into the host, and the broker's answer to it. */
#include <stdio.h>
#include <string.h>

#include "consumer.h"
#include "message.h"
#include "thread.h"

static bool sent(struct consumer *c, int status) {
    if (status == AMQP_STATUS_OK) return true;
    consumer_break(c, status);
    return false;
}

static void forget(struct delivery *d) {
    incoming_reset(&d->message);
    d->used = false;
}

void delivery_forget_all(struct consumer *c) {
    int i;
    for (i = 0; i < c->config->prefetch; i++) forget(&c->deliveries[i]);
}

int64_t delivery_next_due(const struct consumer *c) {
    int64_t due = -1;
    int i;
    for (i = 0; i < c->config->prefetch; i++) {
        const struct delivery *d = &c->deliveries[i];
        if (d->used && d->due_ns >= 0 && (due < 0 || d->due_ns < due)) due = d->due_ns;
    }
    return due;
}

static bool judge(struct consumer *c, struct delivery *d, int32_t status) {
    const uint64_t tag = d->message.delivery_tag;
    switch (status) {
    case SPINDLE_OK:
        forget(d);
        return sent(c, amqp_basic_ack(c->session.amqp, CONSUMER_CHANNEL, tag, 0));
    case SPINDLE_AGAIN:
    case SPINDLE_E_BUSY:
    case SPINDLE_E_INTERNAL:
    case SPINDLE_E_STALE:
        /* Kept, not given back: a queue may count how often it hands a message out, and put it aside after too many. */
        d->due_ns = clock_mono_ns() + c->config->retry_delay_ms * 1000000;
        return true;
    default:
        /* Not to be delivered again: the broker dead-letters it, if its queue says where. */
        forget(d);
        return sent(c, amqp_basic_reject(c->session.amqp, CONSUMER_CHANNEL, tag, 0));
    }
}

static bool hand_over(struct consumer *c, struct delivery *d) {
    const struct incoming *message = &d->message;
    const amqp_bytes_t id = (message->properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) ? message->properties.message_id : amqp_empty_bytes;
    const uint64_t place = (uint64_t)(d - c->deliveries);
    spindle_status status = SPINDLE_E_INVALID;
    bool mapped = mapping_apply(&c->config->mapping, message, &c->mapped);
    d->due_ns = -1;
    if (mapped) {
        c->open++; /* before: the answer may come before submit returns */
        status = c->extension->submit(c->ctx, c->handle, c->generation << TOKEN_PLACE_BITS | place, &c->mapped.submission);
        if (status != SPINDLE_OK) c->open--;
    }
    if (status != SPINDLE_OK && status != SPINDLE_AGAIN && status != SPINDLE_E_STALE) {
        consumer_log(c, SPINDLE_LOG_WARNING, "message \"%.*s\" of queue \"%s\" was put aside: %s", (int)(id.len < 255 ? id.len : 255),
                     id.len > 0 ? (const char *)id.bytes : "", c->config->queue,
                     mapped ? "the host takes no such submission" : c->mapped.refusal);
    }
    mapping_free(&c->mapped);
    return status == SPINDLE_OK || judge(c, d, status);
}

/* A whole message has come: it moves to a place of its own. */
static bool take(struct consumer *c) {
    struct incoming message = c->incoming;
    int i;
    for (i = 0; i < c->config->prefetch && c->deliveries[i].used; i++) {
    }
    if (i == c->config->prefetch) {
        /* The broker does not keep to the prefetch. */
        consumer_break(c, AMQP_STATUS_UNEXPECTED_STATE);
        return false;
    }
    c->incoming = c->deliveries[i].message; /* empty; its memory serves for the next */
    c->deliveries[i].message = message;
    c->deliveries[i].used = true;
    return hand_over(c, &c->deliveries[i]);
}

static bool content(struct consumer *c, enum incoming_state state) {
    if (state == INCOMING_BROKEN) {
        consumer_break(c, AMQP_STATUS_BAD_AMQP_DATA);
        return false;
    }
    if (state != INCOMING_WHOLE) return true;
    c->taken++;
    if (!c->cancelled) return take(c);
    /* What comes when it is stopping goes back with the connection. */
    incoming_reset(&c->incoming);
    return true;
}

static bool closed(struct consumer *c, const amqp_method_t *method) {
    if (method->id == AMQP_CHANNEL_CLOSE_METHOD) {
        const amqp_channel_close_t *close = method->decoded;
        fault_channel_closed(&c->fault, close->reply_code, close->reply_text);
    } else if (method->id == AMQP_CONNECTION_CLOSE_METHOD) {
        const amqp_connection_close_t *close = method->decoded;
        fault_set(&c->fault, SPINDLE_RETRYABLE, "rabbitmq.connection", "the broker closed the connection with %u: %.*s",
                  close->reply_code, (int)(close->reply_text.len < 300 ? close->reply_text.len : 300), (const char *)close->reply_text.bytes);
    } else {
        fault_set(&c->fault, SPINDLE_RETRYABLE, "rabbitmq.connection", "the broker ended the consuming of queue \"%s\"", c->config->queue);
    }
    c->broken = true;
    return false;
}

bool delivery_frame(struct consumer *c, const amqp_frame_t *frame) {
    if (frame->frame_type != AMQP_FRAME_METHOD) {
        if (frame->channel == 0) return true;
        return content(c, incoming_feed(&c->incoming, frame, SPINDLE_MAX_PAYLOAD_BYTES));
    }
    switch (frame->payload.method.id) {
    case AMQP_BASIC_DELIVER_METHOD: return content(c, incoming_start(&c->incoming, frame));
    case AMQP_CHANNEL_CLOSE_METHOD:
    case AMQP_CONNECTION_CLOSE_METHOD:
    case AMQP_BASIC_CANCEL_METHOD: return closed(c, &frame->payload.method);
    default: return true; /* connection.blocked does not concern one that only consumes */
    }
}

bool delivery_settle(struct consumer *c, int64_t now_ns) {
    int i;
    for (;;) {
        struct verdict verdict = {0, 0};
        bool any, lost;
        if (!session_may_send(&c->session)) return true; /* later */
        pthread_mutex_lock(&c->lock);
        any = c->verdict_count > 0;
        if (any) verdict = c->verdicts[--c->verdict_count];
        lost = c->verdict_lost;
        c->verdict_lost = false;
        pthread_mutex_unlock(&c->lock);
        if (lost) {
            consumer_break(c, AMQP_STATUS_NO_MEMORY);
            return false;
        }
        if (!any) break;
        /* Of an earlier connection: the broker delivers the message again, and the key tells the host that it has it. */
        if (verdict.token >> TOKEN_PLACE_BITS != c->generation) continue;
        c->open--;
        if (!judge(c, &c->deliveries[verdict.token & ((1u << TOKEN_PLACE_BITS) - 1)], verdict.status)) return false;
    }
    /* When it stops, those that the host had no room for go back with the connection. */
    for (i = 0; i < c->config->prefetch && !c->cancelled; i++) {
        struct delivery *d = &c->deliveries[i];
        if (!d->used || d->due_ns < 0 || d->due_ns > now_ns || !session_may_send(&c->session)) continue;
        if (!hand_over(c, d)) return false;
    }
    return true;
}
