/* A delivery on its way into the host, and the broker's answer to it. */
#include <stdio.h>
#include <string.h>

#include "consumer.h"
#include "message.h"
#include "thread.h"

static void delay(struct consumer *c, uint64_t tag) {
    /* There is room: no more than `prefetch` deliveries are open. */
    struct delayed *entry = &c->delayed[c->delayed_count++];
    entry->tag = tag;
    entry->due_ns = clock_mono_ns() + c->config->retry_delay_ms * 1000000;
}

static bool sent(struct consumer *c, int status) {
    if (status == AMQP_STATUS_OK) return true;
    consumer_break(c, status);
    return false;
}

/* Not to be delivered again: the broker dead-letters it, if its queue says where. */
static bool put_aside(struct consumer *c, uint64_t tag) {
    return sent(c, amqp_basic_reject(c->session.amqp, CONSUMER_CHANNEL, tag, 0));
}

static bool judge(struct consumer *c, uint64_t tag, int32_t status) {
    switch (status) {
    case SPINDLE_OK: return sent(c, amqp_basic_ack(c->session.amqp, CONSUMER_CHANNEL, tag, 0));
    case SPINDLE_AGAIN:
    case SPINDLE_E_BUSY:
    case SPINDLE_E_INTERNAL:
    case SPINDLE_E_STALE: delay(c, tag); return true;
    default: return put_aside(c, tag);
    }
}

static bool hand_over(struct consumer *c) {
    const uint64_t tag = c->incoming.delivery_tag;
    const amqp_bytes_t id = (c->incoming.properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) ? c->incoming.properties.message_id : amqp_empty_bytes;
    spindle_status status;
    bool mapped = mapping_apply(&c->config->mapping, &c->incoming, &c->mapped);
    if (mapped) {
        c->open++; /* before: the answer may come before submit returns */
        status = c->extension->submit(c->ctx, c->handle, c->generation << TOKEN_TAG_BITS | tag, &c->mapped.submission);
        if (status != SPINDLE_OK) c->open--;
    } else {
        status = SPINDLE_E_INVALID;
    }
    if (status != SPINDLE_OK && status != SPINDLE_AGAIN && status != SPINDLE_E_STALE) {
        consumer_log(c, SPINDLE_LOG_WARNING, "message \"%.*s\" of queue \"%s\" was put aside: %s", (int)(id.len < 255 ? id.len : 255),
                     id.len > 0 ? (const char *)id.bytes : "", c->config->queue,
                     mapped ? "the host takes no such submission" : c->mapped.refusal);
    }
    mapping_free(&c->mapped);
    return status == SPINDLE_OK || judge(c, tag, status);
}

static bool content(struct consumer *c, enum incoming_state state) {
    bool good = true;
    if (state == INCOMING_BROKEN) {
        consumer_break(c, AMQP_STATUS_BAD_AMQP_DATA);
        return false;
    }
    if (state == INCOMING_WHOLE) {
        c->taken++;
        /* What came after the last cancel goes back with the connection. */
        if (!c->cancelled) good = hand_over(c);
        incoming_reset(&c->incoming);
    }
    return good;
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
    size_t i, kept = 0;
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
        if (verdict.token >> TOKEN_TAG_BITS != c->generation) continue;
        c->open--;
        if (!judge(c, verdict.token & ((UINT64_C(1) << TOKEN_TAG_BITS) - 1), verdict.status)) return false;
    }
    for (i = 0; i < c->delayed_count; i++) {
        /* All of them when it ends: others may take them at once. */
        if ((c->delayed[i].due_ns <= now_ns || c->cancelled) && session_may_send(&c->session)) {
            if (!sent(c, amqp_basic_nack(c->session.amqp, CONSUMER_CHANNEL, c->delayed[i].tag, 0, 1))) return false;
        } else {
            c->delayed[kept++] = c->delayed[i];
        }
    }
    c->delayed_count = kept;
    return true;
}
