#include "message.h"

#include <stdio.h>
#include <stdlib.h>

#include "text.h"

enum {
    P_MODE, P_BODY, P_CONTENT_TYPE, P_CONTENT_ENCODING, P_HEADERS, P_PERSISTENT, P_MANDATORY, P_PRIORITY, P_EXPIRATION,
    P_MESSAGE_ID, P_CORRELATION, P_REPLY_TO, P_TYPE, P_APP_ID, P_DECLARE_EXCHANGE, P_DECLARE_QUEUE, P_COUNT
};

static const char *const names[P_COUNT] = {
    "Mode",         "Body",      "ContentType",   "ContentEncoding", "Headers", "Persistent", "Mandatory",       "Priority",
    "ExpirationMs", "MessageId", "CorrelationId", "ReplyTo",         "Type",    "AppId",      "DeclareExchange", "DeclareQueue",
};

amqp_bytes_t bytes_of(spindle_str text) {
    amqp_bytes_t bytes;
    bytes.len = text.len;
    bytes.bytes = (void *)(uintptr_t)text.ptr; /* only read by the library */
    return bytes;
}

spindle_str str_of(amqp_bytes_t bytes) {
    return spindle_str_make(bytes.bytes, bytes.len);
}

bool message_fail(struct message_fault *fault, const char *name, const char *reason) {
    size_t i, at = 0;
    fault->code = "rabbitmq.parameter";
    snprintf(fault->message, sizeof fault->message, "%.130s: %s", name, reason);
    fault->pointer[at++] = '/';
    for (i = 0; name[i] != '\0' && at + 3 < sizeof fault->pointer; i++) {
        if (name[i] == '~' || name[i] == '/') {
            fault->pointer[at++] = '~';
            fault->pointer[at++] = name[i] == '~' ? '0' : '1';
        } else {
            fault->pointer[at++] = name[i];
        }
    }
    fault->pointer[at] = '\0';
    return false;
}

static void note_unknown(const spindle_request *source, spindle_str key) {
    const char *near = nearest_name(key.ptr, key.len, names, P_COUNT);
    char line[320];
    snprintf(line, sizeof line, "parameter \"%.*s\" is not known and was ignored%s%s%s", (int)(key.len < 200 ? key.len : 200), key.ptr,
             near != NULL ? "; did you mean \"" : "", near != NULL ? near : "", near != NULL ? "\"?" : "");
    spindle_log(source, SPINDLE_LOG_DEBUG, line);
}

static bool collect(const spindle_str *found[P_COUNT], const spindle_request *source, struct message_fault *fault) {
    size_t i, j;
    for (i = 0; i < source->parameter_count; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        if (text_starts_nocase(parameter->key.ptr, parameter->key.len, "Header_")) continue;
        for (j = 0; j < P_COUNT && !text_equal_nocase(parameter->key.ptr, parameter->key.len, names[j]); j++) {
        }
        if (j == P_COUNT) {
            note_unknown(source, parameter->key);
            continue;
        }
        if (found[j] != NULL) return message_fail(fault, names[j], "given twice, with letters of different case");
        found[j] = &parameter->value;
    }
    return true;
}

static bool read_boolean(const spindle_str *const *found, int which, bool *value, struct message_fault *fault) {
    if (found[which] == NULL) return true;
    *value = text_equal_nocase(found[which]->ptr, found[which]->len, "true");
    return *value || text_equal_nocase(found[which]->ptr, found[which]->len, "false") ||
           message_fail(fault, names[which], "it has to be true or false");
}

static bool read_integer(const spindle_str *const *found, int which, int64_t most, int64_t *value, struct message_fault *fault) {
    char reason[80];
    if (found[which] == NULL) return true;
    if (parse_decimal(found[which]->ptr, found[which]->len, most, value)) return true;
    snprintf(reason, sizeof reason, "it has to be a whole number from 0 to %lld", (long long)most);
    return message_fail(fault, names[which], reason);
}

/* A longer one would be cut by the library, in the middle of what follows. */
static bool short_text(struct message *message, const char *name, spindle_str text, amqp_flags_t flag, amqp_bytes_t *where,
                       struct message_fault *fault) {
    if (text.len > SHORT_TEXT_MOST) return message_fail(fault, name, "it is longer than 255 bytes");
    if (text.len == 0) return true;
    *where = bytes_of(text);
    message->properties._flags |= flag;
    return true;
}

static bool read_texts(struct message *message, const spindle_str *const *found, const spindle_request *source,
                       struct message_fault *fault) {
    amqp_basic_properties_t *p = &message->properties;
    const struct {
        int which;
        amqp_flags_t flag;
        amqp_bytes_t *where;
        spindle_str otherwise;
    } texts[] = {
        {P_CONTENT_TYPE, AMQP_BASIC_CONTENT_TYPE_FLAG, &p->content_type,
         found[P_BODY] != NULL ? SPINDLE_STR("application/json") : source->content_type},
        {P_CONTENT_ENCODING, AMQP_BASIC_CONTENT_ENCODING_FLAG, &p->content_encoding, SPINDLE_STR("")},
        {P_MESSAGE_ID, AMQP_BASIC_MESSAGE_ID_FLAG, &p->message_id, source->idempotency_key},
        {P_CORRELATION, AMQP_BASIC_CORRELATION_ID_FLAG, &p->correlation_id, message->rpc ? source->attempt_id : SPINDLE_STR("")},
        {P_REPLY_TO, AMQP_BASIC_REPLY_TO_FLAG, &p->reply_to, message->rpc ? SPINDLE_STR("amq.rabbitmq.reply-to") : SPINDLE_STR("")},
        {P_TYPE, AMQP_BASIC_TYPE_FLAG, &p->type, SPINDLE_STR("")},
        {P_APP_ID, AMQP_BASIC_APP_ID_FLAG, &p->app_id, SPINDLE_STR("")},
    };
    size_t i;
    if (message->rpc && (found[P_CORRELATION] != NULL || found[P_REPLY_TO] != NULL)) {
        return message_fail(fault, names[found[P_REPLY_TO] != NULL ? P_REPLY_TO : P_CORRELATION], "with Mode=rpc the executor sets it");
    }
    for (i = 0; i < sizeof texts / sizeof *texts; i++) {
        spindle_str text = found[texts[i].which] != NULL ? *found[texts[i].which] : texts[i].otherwise;
        if (!short_text(message, names[texts[i].which], text, texts[i].flag, texts[i].where, fault)) return false;
    }
    return true;
}

static bool read_mode(struct message *message, const spindle_str *mode, struct message_fault *fault) {
    message->rpc = mode != NULL && text_equal_nocase(mode->ptr, mode->len, "rpc");
    return mode == NULL || message->rpc || text_equal_nocase(mode->ptr, mode->len, "publish") ||
           message_fail(fault, names[P_MODE], "it has to be publish or rpc");
}

static bool read_numbers(struct message *message, const spindle_str *const *found, const spindle_request *source,
                         struct message_fault *fault) {
    amqp_basic_properties_t *p = &message->properties;
    int64_t priority = -1, expiration = -1;
    bool persistent = true;
    if (!read_boolean(found, P_PERSISTENT, &persistent, fault) || !read_boolean(found, P_MANDATORY, &message->mandatory, fault) ||
        !read_integer(found, P_PRIORITY, 255, &priority, fault) ||
        !read_integer(found, P_EXPIRATION, UINT32_MAX, &expiration, fault)) {
        return false;
    }
    p->delivery_mode = persistent ? AMQP_DELIVERY_PERSISTENT : AMQP_DELIVERY_NONPERSISTENT;
    p->_flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
    if (priority >= 0) {
        p->priority = (uint8_t)priority;
        p->_flags |= AMQP_BASIC_PRIORITY_FLAG;
    }
    /* Nobody waits for the reply to a request that is older than the attempt. */
    if (expiration < 0 && message->rpc && source->timeout_ms >= 0) expiration = source->timeout_ms;
    if (expiration > UINT32_MAX) expiration = UINT32_MAX;
    if (expiration >= 0) {
        snprintf(message->expiration, sizeof message->expiration, "%lld", (long long)expiration);
        p->expiration = amqp_cstring_bytes(message->expiration);
        p->_flags |= AMQP_BASIC_EXPIRATION_FLAG;
    }
    if (source->started_unix_ms > 0) {
        p->timestamp = (uint64_t)source->started_unix_ms / 1000;
        p->_flags |= AMQP_BASIC_TIMESTAMP_FLAG;
    }
    return true;
}

static bool read_declarations(struct message *message, const spindle_str *const *found, struct message_fault *fault) {
    static const char *const types[] = {"direct", "fanout", "topic", "headers"};
    static const spindle_str none = {NULL, 0};
    size_t i;
    message->declare_exchange = found[P_DECLARE_EXCHANGE] != NULL ? *found[P_DECLARE_EXCHANGE] : none;
    message->declare_queue = found[P_DECLARE_QUEUE] != NULL ? *found[P_DECLARE_QUEUE] : none;
    /* Over any other type the broker would close the connection of all. */
    for (i = 0; i < sizeof types / sizeof *types && !spindle_str_is(message->declare_exchange, types[i]); i++) {
    }
    if (i == sizeof types / sizeof *types && message->declare_exchange.len > 0) {
        return message_fail(fault, names[P_DECLARE_EXCHANGE], "it has to be direct, fanout, topic or headers");
    }
    if (message->declare_queue.len > SHORT_TEXT_MOST) {
        return message_fail(fault, names[P_DECLARE_QUEUE], "a name is longer than 255 bytes");
    }
    if (message->declare_exchange.len > 0 && message->target.exchange.length == 0) {
        return message_fail(fault, names[P_DECLARE_EXCHANGE], "the target is the default exchange, which is always there");
    }
    return true;
}

static bool read_all(struct message *message, const spindle_request *source, struct message_fault *fault) {
    const spindle_str *found[P_COUNT] = {NULL};
    const char *error = target_read(&message->target, source->target.ptr, source->target.len);
    if (error != NULL) {
        fault->code = "rabbitmq.target";
        snprintf(fault->message, sizeof fault->message, "%s", error);
        return false;
    }
    if (!collect(found, source, fault)) return false;
    if (found[P_BODY] != NULL && source->payload.len > 0) {
        return message_fail(fault, names[P_BODY], "the job has a payload too; only one of them can be the body");
    }
    message->body = found[P_BODY] != NULL ? *found[P_BODY] : source->payload;
    return read_mode(message, found[P_MODE], fault) && read_texts(message, found, source, fault) &&
           read_numbers(message, found, source, fault) && read_declarations(message, found, fault) &&
           message_read_headers(message, source, found[P_HEADERS], fault);
}

bool message_read(struct message *message, const spindle_request *source, struct message_fault *fault) {
    memset(message, 0, sizeof *message);
    memset(fault, 0, sizeof *fault);
    message->mandatory = true;
    init_amqp_pool(&message->pool, 4096);
    if (read_all(message, source, fault)) return true;
    message_free(message);
    return false;
}

void message_free(struct message *message) {
    empty_amqp_pool(&message->pool);
}
