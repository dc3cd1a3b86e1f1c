#include "incoming.h"

#include <stdlib.h>
#include <string.h>

void incoming_init(struct incoming *incoming) {
    memset(incoming, 0, sizeof *incoming);
    init_amqp_pool(&incoming->pool, 4096);
}

void incoming_reset(struct incoming *incoming) {
    amqp_pool_t pool = incoming->pool;
    free(incoming->body);
    recycle_amqp_pool(&pool);
    memset(incoming, 0, sizeof *incoming);
    incoming->pool = pool;
}

void incoming_free(struct incoming *incoming) {
    free(incoming->body);
    incoming->body = NULL;
    empty_amqp_pool(&incoming->pool);
}

static bool copy(struct incoming *incoming, amqp_bytes_t from, amqp_bytes_t *to) {
    amqp_bytes_t kept = {0, NULL};
    if (from.len > 0) {
        amqp_pool_alloc_bytes(&incoming->pool, from.len, &kept);
        if (kept.bytes == NULL) return false;
        memcpy(kept.bytes, from.bytes, from.len);
    }
    *to = kept;
    return true;
}

enum incoming_state incoming_start(struct incoming *incoming, const amqp_frame_t *frame) {
    bool copied;
    if (incoming->kind != INCOMING_NONE) return INCOMING_BROKEN;
    if (frame->payload.method.id == AMQP_BASIC_RETURN_METHOD) {
        const amqp_basic_return_t *method = frame->payload.method.decoded;
        incoming->kind = INCOMING_RETURN;
        incoming->reply_code = method->reply_code;
        copied = copy(incoming, method->reply_text, &incoming->reply_text) && copy(incoming, method->exchange, &incoming->exchange) &&
                 copy(incoming, method->routing_key, &incoming->routing_key);
    } else {
        const amqp_basic_deliver_t *method = frame->payload.method.decoded;
        incoming->kind = INCOMING_DELIVERY;
        incoming->delivery_tag = method->delivery_tag;
        incoming->redelivered = method->redelivered;
        copied = copy(incoming, method->exchange, &incoming->exchange) && copy(incoming, method->routing_key, &incoming->routing_key);
    }
    return copied ? INCOMING_MORE : INCOMING_BROKEN;
}

/* Of the library's struct only what the flags name is set; the rest is whatever was in its memory before. */
static bool copy_properties(struct incoming *incoming, const amqp_basic_properties_t *from) {
    amqp_basic_properties_t *to = &incoming->properties;
    const struct {
        amqp_flags_t flag;
        const amqp_bytes_t *from;
        amqp_bytes_t *to;
    } texts[] = {
        {AMQP_BASIC_CONTENT_TYPE_FLAG, &from->content_type, &to->content_type},
        {AMQP_BASIC_CONTENT_ENCODING_FLAG, &from->content_encoding, &to->content_encoding},
        {AMQP_BASIC_CORRELATION_ID_FLAG, &from->correlation_id, &to->correlation_id},
        {AMQP_BASIC_REPLY_TO_FLAG, &from->reply_to, &to->reply_to},
        {AMQP_BASIC_MESSAGE_ID_FLAG, &from->message_id, &to->message_id},
        {AMQP_BASIC_TYPE_FLAG, &from->type, &to->type},
        {AMQP_BASIC_APP_ID_FLAG, &from->app_id, &to->app_id},
    };
    size_t i;
    to->_flags = from->_flags;
    if (to->_flags & AMQP_BASIC_PRIORITY_FLAG) to->priority = from->priority;
    if (to->_flags & AMQP_BASIC_TIMESTAMP_FLAG) to->timestamp = from->timestamp;
    if ((to->_flags & AMQP_BASIC_HEADERS_FLAG) &&
        amqp_table_clone(&from->headers, &to->headers, &incoming->pool) != AMQP_STATUS_OK) {
        return false;
    }
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        if ((to->_flags & texts[i].flag) && !copy(incoming, *texts[i].from, texts[i].to)) return false;
    }
    return true;
}

static enum incoming_state read_header(struct incoming *incoming, const amqp_frame_t *frame, uint64_t most) {
    if (incoming->has_properties || frame->payload.properties.class_id != AMQP_BASIC_CLASS) return INCOMING_BROKEN;
    incoming->has_properties = true;
    incoming->size = frame->payload.properties.body_size;
    incoming->too_large = incoming->size > most;
    if (!copy_properties(incoming, frame->payload.properties.decoded)) return INCOMING_BROKEN;
    if (!incoming->too_large) {
        incoming->body = malloc((size_t)incoming->size + 1);
        if (incoming->body == NULL) return INCOMING_BROKEN;
    }
    return incoming->size == 0 ? INCOMING_WHOLE : INCOMING_MORE;
}

enum incoming_state incoming_feed(struct incoming *incoming, const amqp_frame_t *frame, uint64_t most) {
    amqp_bytes_t fragment;
    if (incoming->kind == INCOMING_NONE) return INCOMING_BROKEN;
    if (frame->frame_type == AMQP_FRAME_HEADER) return read_header(incoming, frame, most);
    if (frame->frame_type != AMQP_FRAME_BODY || !incoming->has_properties) return INCOMING_BROKEN;
    fragment = frame->payload.body_fragment;
    if (fragment.len > incoming->size - incoming->received) return INCOMING_BROKEN;
    if (!incoming->too_large) memcpy(incoming->body + incoming->received, fragment.bytes, fragment.len);
    incoming->received += fragment.len;
    return incoming->received == incoming->size ? INCOMING_WHOLE : INCOMING_MORE;
}
