#include "outcome.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "publisher.h"
#include "text.h"
#include "thread.h"

#define METADATA_MOST 96
#define METADATA_TEXT_BYTES 32768
#define METADATA_VALUE_MOST 1024

struct metadata {
    spindle_kv entries[METADATA_MOST];
    size_t count, used;
    char text[METADATA_TEXT_BYTES];
};

static const char *keep(struct metadata *m, const char *text, size_t length) {
    char *at = m->text + m->used;
    if (length > sizeof m->text - m->used) return NULL;
    if (length > 0) memcpy(at, text, length);
    m->used += length;
    return at;
}

static void add(struct metadata *m, const char *prefix, spindle_str name, spindle_str value) {
    char key[SPINDLE_MAX_NAME_BYTES];
    int length = snprintf(key, sizeof key, "%s%.*s", prefix, (int)(name.len < 200 ? name.len : 200), name.len > 0 ? name.ptr : "");
    const char *kept_key, *kept_value;
    if (m->count == METADATA_MOST || length < 0) return;
    if (value.len > METADATA_VALUE_MOST) value.len = METADATA_VALUE_MOST;
    kept_key = keep(m, key, (size_t)length);
    kept_value = kept_key != NULL ? keep(m, value.ptr, value.len) : NULL;
    if (kept_value == NULL) return;
    m->entries[m->count].key = spindle_str_make(kept_key, (size_t)length);
    m->entries[m->count++].value = spindle_str_make(kept_value, value.len);
}

static void add_text(struct metadata *m, const char *key, spindle_str value) {
    add(m, key, spindle_str_make(NULL, 0), value);
}

static void add_number(struct metadata *m, const char *key, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(m, key, spindle_str_from_cstr(text));
}

static void add_header(struct metadata *m, const amqp_table_entry_t *entry) {
    const amqp_field_value_t *value = &entry->value;
    char text[32];
    switch (value->kind) {
    case AMQP_FIELD_KIND_UTF8:
    case AMQP_FIELD_KIND_BYTES: add(m, "reply.header.", str_of(entry->key), str_of(value->value.bytes)); return;
    case AMQP_FIELD_KIND_BOOLEAN: snprintf(text, sizeof text, "%s", value->value.boolean ? "true" : "false"); break;
    case AMQP_FIELD_KIND_I8: snprintf(text, sizeof text, "%d", value->value.i8); break;
    case AMQP_FIELD_KIND_I16: snprintf(text, sizeof text, "%d", value->value.i16); break;
    case AMQP_FIELD_KIND_I32: snprintf(text, sizeof text, "%" PRId32, value->value.i32); break;
    case AMQP_FIELD_KIND_I64: snprintf(text, sizeof text, "%" PRId64, value->value.i64); break;
    case AMQP_FIELD_KIND_TIMESTAMP: snprintf(text, sizeof text, "%" PRIu64, value->value.u64); break;
    case AMQP_FIELD_KIND_F64: snprintf(text, sizeof text, "%.17g", value->value.f64); break;
    default: return; /* lists and tables have no short form */
    }
    add(m, "reply.header.", str_of(entry->key), spindle_str_from_cstr(text));
}

static void add_reply(struct metadata *m, const struct incoming *reply) {
    const amqp_basic_properties_t *p = &reply->properties;
    int i;
    add_number(m, "reply.bytes", (int64_t)(reply->size < INT64_MAX ? reply->size : INT64_MAX));
    if (p->_flags & AMQP_BASIC_TYPE_FLAG) add_text(m, "reply.type", str_of(p->type));
    if (p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) add_text(m, "reply.messageId", str_of(p->message_id));
    if (p->_flags & AMQP_BASIC_APP_ID_FLAG) add_text(m, "reply.appId", str_of(p->app_id));
    if (p->_flags & AMQP_BASIC_CONTENT_ENCODING_FLAG) add_text(m, "reply.contentEncoding", str_of(p->content_encoding));
    if (!(p->_flags & AMQP_BASIC_HEADERS_FLAG)) return;
    for (i = 0; i < p->headers.num_entries; i++) add_header(m, &p->headers.entries[i]);
}

static void complete(struct attempt *a, spindle_result *result, const struct incoming *reply) {
    const struct message *message = &a->message;
    struct metadata *m = malloc(sizeof *m);
    result->struct_size = (uint32_t)sizeof *result;
    if (m != NULL) {
        m->count = m->used = 0;
        add_text(m, "connection", spindle_str_make(message->target.connection.bytes, message->target.connection.length));
        add_text(m, "exchange", spindle_str_make(message->target.exchange.bytes, message->target.exchange.length));
        add_text(m, "routingKey", spindle_str_make(message->target.routing_key.bytes, message->target.routing_key.length));
        if (message->properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) add_text(m, "messageId", str_of(message->properties.message_id));
        add_number(m, "bytes", (int64_t)message->body.len);
        add_number(m, "timing.totalMs", (clock_mono_ns() - a->started_ns) / 1000000);
        if (reply != NULL) add_reply(m, reply);
        result->metadata = m->entries;
        result->metadata_count = m->count;
    }
    publisher_retire(a);
    (void)a->host->complete(a->ctx, a->handle, result);
    /* Nothing of `a` from here on: release may already run. */
    free(m);
}

void outcome_published(struct attempt *a) {
    spindle_result result = {.outcome = SPINDLE_SUCCESS, .retry_after_ms = -1};
    WORKING_FOR(a, complete(a, &result, NULL));
}

void outcome_reply(struct attempt *a, const struct incoming *reply) {
    spindle_result result = {.outcome = SPINDLE_SUCCESS, .retry_after_ms = -1};
    if (reply->too_large) {
        outcome_error(a, SPINDLE_PERMANENT, "rabbitmq.reply.too_large", "the reply has %" PRIu64 " bytes; at most %d can be kept",
                      reply->size, SPINDLE_MAX_OUTPUT_BYTES);
        return;
    }
    result.output = spindle_str_make(reply->body, (size_t)reply->size);
    if (reply->properties._flags & AMQP_BASIC_CONTENT_TYPE_FLAG) result.content_type = str_of(reply->properties.content_type);
    WORKING_FOR(a, complete(a, &result, reply));
}

void outcome_fault(struct attempt *a, const struct fault *fault, int64_t retry_after_ms) {
    spindle_result result = {.outcome = fault->outcome, .retry_after_ms = retry_after_ms};
    spindle_error error = {.struct_size = sizeof error, .outcome = fault->outcome};
    error.code = spindle_str_from_cstr(fault->code);
    error.message = spindle_str_from_cstr(fault->message);
    result.error = &error;
    WORKING_FOR(a, complete(a, &result, NULL));
}

void outcome_error(struct attempt *a, int32_t outcome, const char *code, const char *format, ...) {
    struct fault fault = {.outcome = outcome, .code = code};
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fault.message, sizeof fault.message, format, arguments);
    va_end(arguments);
    outcome_fault(a, &fault, -1);
}
