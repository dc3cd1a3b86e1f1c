/* Writes one message at a time, in pieces that never make the thread wait. */
#include <stdlib.h>
#include <string.h>

#include "outcome.h"
#include "publisher.h"

/* Around a body in its frame, around a frame; and what a frame with properties holds besides. */
#define FRAME_EXTRA 8
#define HEADER_EXTRA 32

static size_t frame_room(const struct publisher *p) {
    int most = amqp_get_frame_max(p->session.amqp);
    return (most > 0 && most < SESSION_FRAME_BYTES ? (size_t)most : SESSION_FRAME_BYTES) - FRAME_EXTRA;
}

/* A broker may insist on frames that are smaller than the properties. It must be known before anything is sent. */
static bool properties_fit(const struct publisher *p, const struct attempt *a) {
    amqp_bytes_t scratch;
    bool fit;
    scratch.len = frame_room(p) - HEADER_EXTRA;
    if (scratch.len >= MESSAGE_MOST_HEADER_BYTES + 4096) return true;
    scratch.bytes = malloc(scratch.len);
    if (scratch.bytes == NULL) return false;
    fit = amqp_encode_properties(AMQP_BASIC_CLASS, (void *)(uintptr_t)&a->message.properties, scratch) >= 0;
    free(scratch.bytes);
    return fit;
}

static void written(struct publisher *p) {
    struct writer *w = &p->writer;
    if (w->attempt != NULL) {
        pthread_mutex_lock(&p->lock);
        w->attempt->stage = STAGE_UNCONFIRMED;
        pthread_mutex_unlock(&p->lock);
    }
    free(w->owned);
    memset(w, 0, sizeof *w);
}

static int send_whole(struct publisher *p, struct lane *lane, const struct attempt *a) {
    const struct target *t = &a->message.target;
    return amqp_basic_publish(p->session.amqp, lane->number, bytes_of(spindle_str_make(t->exchange.bytes, t->exchange.length)),
                              bytes_of(spindle_str_make(t->routing_key.bytes, t->routing_key.length)), a->message.mandatory, 0,
                              &a->message.properties, bytes_of(a->message.body));
}

static int send_announcement(struct publisher *p, struct lane *lane, const struct attempt *a) {
    const struct target *t = &a->message.target;
    amqp_basic_publish_t publish = {.exchange = bytes_of(spindle_str_make(t->exchange.bytes, t->exchange.length)),
                                    .routing_key = bytes_of(spindle_str_make(t->routing_key.bytes, t->routing_key.length)),
                                    .mandatory = a->message.mandatory};
    amqp_frame_t header = {.frame_type = AMQP_FRAME_HEADER, .channel = lane->number};
    int status = amqp_send_method(p->session.amqp, lane->number, AMQP_BASIC_PUBLISH_METHOD, &publish);
    if (status != AMQP_STATUS_OK) return status;
    header.payload.properties.class_id = AMQP_BASIC_CLASS;
    header.payload.properties.body_size = a->message.body.len;
    header.payload.properties.decoded = (void *)(uintptr_t)&a->message.properties;
    return amqp_send_frame(p->session.amqp, &header);
}

void writer_start(struct publisher *p, struct lane *lane, struct attempt *a) {
    int status;
    lane->front = NULL;
    if (!properties_fit(p, a)) {
        outcome_error(a, SPINDLE_PERMANENT, "rabbitmq.parameter", "the headers are longer than a frame of the broker");
        return;
    }
    a->tag = confirms_add(&lane->confirms, a);
    if (a->tag == 0) {
        outcome_error(a, SPINDLE_RETRYABLE, "rabbitmq.internal", "out of memory");
        return;
    }
    pthread_mutex_lock(&p->lock);
    a->stage = STAGE_WRITING;
    pthread_mutex_unlock(&p->lock);
    p->writer.lane = lane;
    p->writer.attempt = a;
    p->writer.body = a->message.body.ptr;
    p->writer.length = a->message.body.len;
    if (a->message.body.len > frame_room(p)) {
        WORKING_FOR(a, status = send_announcement(p, lane, a));
        if (status == AMQP_STATUS_OK) return;
    } else {
        WORKING_FOR(a, status = send_whole(p, lane, a));
        /* All of it may be on its way even if the library says that it is not. */
        written(p);
    }
    if (status != AMQP_STATUS_OK) publisher_break(p, status);
}

void writer_continue(struct publisher *p) {
    struct writer *w = &p->writer;
    amqp_frame_t frame = {.frame_type = AMQP_FRAME_BODY, .channel = w->lane->number};
    size_t room = frame_room(p);
    int status;
    frame.payload.body_fragment.len = w->length - w->sent < room ? w->length - w->sent : room;
    frame.payload.body_fragment.bytes = (void *)(uintptr_t)(w->body + w->sent);
    status = amqp_send_frame(p->session.amqp, &frame);
    w->sent += frame.payload.body_fragment.len;
    if (w->sent == w->length) written(p);
    if (status != AMQP_STATUS_OK) publisher_break(p, status);
}

void writer_drop(struct publisher *p) {
    struct writer *w = &p->writer;
    struct attempt *a = w->attempt;
    free(w->owned);
    memset(w, 0, sizeof *w);
    if (a == NULL) return;
    /* Not all of it was sent, so nobody has it. */
    confirms_forget(&a->lane->confirms, a->tag);
    if (a->cancelled) {
        outcome_error(a, SPINDLE_CANCELLED, "rabbitmq.cancelled", "cancelled; the message was not sent");
    } else {
        publisher_requeue(a);
    }
}

void writer_orphan(struct publisher *p) {
    struct writer *w = &p->writer;
    w->attempt = NULL;
    w->owned = malloc(w->length - w->sent);
    if (w->owned == NULL) {
        publisher_break(p, AMQP_STATUS_NO_MEMORY);
        w->lane = NULL;
        return;
    }
    memcpy(w->owned, w->body + w->sent, w->length - w->sent);
    w->body = w->owned;
    w->length -= w->sent;
    w->sent = 0;
}
