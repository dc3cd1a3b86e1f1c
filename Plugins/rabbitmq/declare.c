/* What the configuration wants to have declared, each time that a connection is made: on a channel of its own, so that
 * nothing else is in its way. */
#include <stdio.h>
#include <string.h>

#include "session.h"

#define DECLARE_CHANNEL 3

static amqp_bytes_t text(const json_t *item, const char *key, const char *otherwise) {
    const json_t *node = json_object_get(item, key);
    return amqp_cstring_bytes(json_is_string(node) ? json_string_value(node) : otherwise);
}

static amqp_boolean_t flag(const json_t *item, const char *key, bool otherwise) {
    const json_t *node = json_object_get(item, key);
    return json_is_boolean(node) ? json_is_true(node) : otherwise;
}

#define MOST_ARGUMENTS 32

/* Numbers, texts and truth values: all that the broker's arguments know. */
static bool arguments(const json_t *item, amqp_table_entry_t entries[MOST_ARGUMENTS], amqp_table_t *table) {
    const char *key;
    json_t *value;
    table->num_entries = 0;
    table->entries = entries;
    json_object_foreach(json_object_get(item, "arguments"), key, value) {
        amqp_table_entry_t *entry = &entries[table->num_entries];
        if (table->num_entries == MOST_ARGUMENTS || strlen(key) > 255) return false;
        entry->key = amqp_cstring_bytes(key);
        if (json_is_string(value)) {
            entry->value.kind = AMQP_FIELD_KIND_UTF8;
            entry->value.value.bytes = amqp_cstring_bytes(json_string_value(value));
        } else if (json_is_integer(value)) {
            entry->value.kind = AMQP_FIELD_KIND_I64;
            entry->value.value.i64 = json_integer_value(value);
        } else if (json_is_boolean(value)) {
            entry->value.kind = AMQP_FIELD_KIND_BOOLEAN;
            entry->value.value.boolean = json_is_true(value);
        } else {
            return false;
        }
        table->num_entries++;
    }
    return true;
}

enum kind { EXCHANGE, QUEUE, BINDING };

static void declare_one(amqp_connection_state_t amqp, enum kind kind, const json_t *item, amqp_table_t table) {
    switch (kind) {
    case EXCHANGE: {
        amqp_exchange_declare_t declare = {.exchange = text(item, "name", ""), .type = text(item, "type", "direct"),
                                           .durable = flag(item, "durable", true), .auto_delete = flag(item, "autoDelete", false),
                                           .internal = flag(item, "internal", false), .arguments = table};
        (void)amqp_simple_rpc_decoded(amqp, DECLARE_CHANNEL, AMQP_EXCHANGE_DECLARE_METHOD, AMQP_EXCHANGE_DECLARE_OK_METHOD, &declare);
        return;
    }
    case QUEUE: {
        amqp_queue_declare_t declare = {.queue = text(item, "name", ""), .durable = flag(item, "durable", true),
                                        .auto_delete = flag(item, "autoDelete", false), .arguments = table};
        (void)amqp_simple_rpc_decoded(amqp, DECLARE_CHANNEL, AMQP_QUEUE_DECLARE_METHOD, AMQP_QUEUE_DECLARE_OK_METHOD, &declare);
        return;
    }
    case BINDING: {
        amqp_queue_bind_t bind = {.queue = text(item, "queue", ""), .exchange = text(item, "exchange", ""),
                                  .routing_key = text(item, "routingKey", ""), .arguments = table};
        (void)amqp_simple_rpc_decoded(amqp, DECLARE_CHANNEL, AMQP_QUEUE_BIND_METHOD, AMQP_QUEUE_BIND_OK_METHOD, &bind);
    }
    }
}

static bool judge(amqp_connection_state_t amqp, const char *what, struct fault *fault) {
    amqp_rpc_reply_t reply = amqp_get_rpc_reply(amqp);
    char reason[FAULT_MESSAGE_BYTES];
    if (reply.reply_type == AMQP_RESPONSE_NORMAL) return true;
    if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply.reply.id == AMQP_CHANNEL_CLOSE_METHOD) {
        amqp_channel_close_t *close = reply.reply.decoded;
        fault_channel_closed(fault, close->reply_code, close->reply_text);
    } else {
        fault_set(fault, SPINDLE_RETRYABLE, "rabbitmq.connect", "%s",
                  fault_reason(reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? reply.library_error
                                                                                  : AMQP_STATUS_CONNECTION_CLOSED));
    }
    memcpy(reason, fault->message, sizeof reason);
    snprintf(fault->message, sizeof fault->message, "declaring %.80s of the connection's configuration: %.500s", what, reason);
    return false;
}

bool declare_all(amqp_connection_state_t amqp, const json_t *declare, struct fault *fault) {
    static const struct {
        const char *key;
        enum kind kind;
    } lists[] = {{"exchanges", EXCHANGE}, {"queues", QUEUE}, {"bindings", BINDING}};
    amqp_table_entry_t entries[MOST_ARGUMENTS];
    amqp_table_t table;
    const json_t *item;
    size_t i, j;
    if (declare == NULL) return true;
    (void)amqp_channel_open(amqp, DECLARE_CHANNEL);
    if (!judge(amqp, "a channel", fault)) return false;
    for (i = 0; i < sizeof lists / sizeof *lists; i++) {
        json_array_foreach(json_object_get(declare, lists[i].key), j, item) {
            char what[96];
            snprintf(what, sizeof what, "%s/%zu", lists[i].key, j);
            if (!arguments(item, entries, &table)) {
                fault_set(fault, SPINDLE_PERMANENT, "rabbitmq.declare",
                          "%s: arguments are at most %d numbers, texts and truth values", what, MOST_ARGUMENTS);
                return false;
            }
            declare_one(amqp, lists[i].kind, item, table);
            if (!judge(amqp, what, fault)) return false;
            amqp_maybe_release_buffers(amqp);
        }
    }
    (void)amqp_channel_close(amqp, DECLARE_CHANNEL, AMQP_REPLY_SUCCESS);
    return judge(amqp, "a channel", fault);
}
