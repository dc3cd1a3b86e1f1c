/* The headers of a message: Header_NAME, the object Headers, and those that follow from the attempt. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

#define PREFIX_LENGTH 7 /* Header_ */
#define MOST_DEPTH 8

static bool memory(struct message_fault *fault) {
    fault->code = "rabbitmq.internal";
    snprintf(fault->message, sizeof fault->message, "out of memory");
    return false;
}

/* The texts of a document do not outlive it; those of the host's request do. */
static bool keep(amqp_pool_t *pool, const char *bytes, size_t length, amqp_bytes_t *kept) {
    amqp_pool_alloc_bytes(pool, length, kept);
    if (kept->bytes == NULL) return length == 0;
    memcpy(kept->bytes, bytes, length);
    return true;
}

static bool convert(amqp_pool_t *pool, const json_t *node, int depth, amqp_field_value_t *value);

static bool convert_object(amqp_pool_t *pool, const json_t *node, int depth, amqp_table_t *table) {
    const char *key;
    json_t *member;
    size_t size = json_object_size(node);
    table->num_entries = 0;
    table->entries = size > 0 ? amqp_pool_alloc(pool, size * sizeof *table->entries) : NULL;
    if (size > 0 && table->entries == NULL) return false;
    json_object_foreach((json_t *)(uintptr_t)node, key, member) {
        amqp_table_entry_t *entry = &table->entries[table->num_entries];
        if (strlen(key) > SHORT_TEXT_MOST || !keep(pool, key, strlen(key), &entry->key) ||
            !convert(pool, member, depth + 1, &entry->value)) {
            return false;
        }
        table->num_entries++;
    }
    return true;
}

static bool convert(amqp_pool_t *pool, const json_t *node, int depth, amqp_field_value_t *value) {
    size_t i;
    if (depth > MOST_DEPTH) return false;
    switch (json_typeof(node)) {
    case JSON_STRING:
        value->kind = AMQP_FIELD_KIND_UTF8;
        return keep(pool, json_string_value(node), json_string_length(node), &value->value.bytes);
    case JSON_INTEGER:
        value->kind = AMQP_FIELD_KIND_I64;
        value->value.i64 = json_integer_value(node);
        return true;
    case JSON_REAL:
        value->kind = AMQP_FIELD_KIND_F64;
        value->value.f64 = json_real_value(node);
        return true;
    case JSON_TRUE:
    case JSON_FALSE:
        value->kind = AMQP_FIELD_KIND_BOOLEAN;
        value->value.boolean = json_is_true(node);
        return true;
    case JSON_NULL: value->kind = AMQP_FIELD_KIND_VOID; return true;
    case JSON_OBJECT: value->kind = AMQP_FIELD_KIND_TABLE; return convert_object(pool, node, depth, &value->value.table);
    case JSON_ARRAY: break;
    }
    value->kind = AMQP_FIELD_KIND_ARRAY;
    value->value.array.num_entries = (int)json_array_size(node);
    value->value.array.entries = NULL;
    if (json_array_size(node) == 0) return true;
    value->value.array.entries = amqp_pool_alloc(pool, json_array_size(node) * sizeof *value->value.array.entries);
    if (value->value.array.entries == NULL) return false;
    for (i = 0; i < json_array_size(node); i++) {
        if (!convert(pool, json_array_get(node, i), depth + 1, &value->value.array.entries[i])) return false;
    }
    return true;
}

static amqp_table_entry_t *add(struct message *message, spindle_str name) {
    amqp_table_t *table = &message->properties.headers;
    int i;
    for (i = 0; i < table->num_entries; i++) {
        if (spindle_str_equal(str_of(table->entries[i].key), name)) return NULL;
    }
    if (table->num_entries == MESSAGE_MOST_HEADERS) return NULL;
    table->entries[table->num_entries].key = bytes_of(name);
    return &table->entries[table->num_entries++];
}

static bool add_text(struct message *message, spindle_str name, spindle_str value) {
    amqp_table_entry_t *entry = add(message, name);
    if (entry == NULL) return false;
    entry->value.kind = AMQP_FIELD_KIND_UTF8;
    entry->value.value.bytes = bytes_of(value);
    return true;
}

/* The broker reads these as lists of further routing keys, and closes the channel over anything else. */
static bool is_copy_header(spindle_str name) {
    return spindle_str_is(name, "CC") || spindle_str_is(name, "BCC");
}

static bool may_be_set(spindle_str name) {
    return name.len >= 1 && name.len <= SHORT_TEXT_MOST && !spindle_str_is(name, ATTEMPT_HEADER);
}

static bool read_object(struct message *message, spindle_str text, struct message_fault *fault) {
    json_error_t error;
    json_t *root = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &error), *member, *item;
    const char *key, *wrong = NULL;
    size_t i;
    if (root == NULL || !json_is_object(root)) {
        json_decref(root);
        return message_fail(fault, "Headers", "it has to be a JSON object");
    }
    json_object_foreach(root, key, member) {
        spindle_str name = spindle_str_from_cstr(key);
        amqp_bytes_t kept;
        amqp_table_entry_t *entry;
        if (!may_be_set(name)) wrong = "it holds a name that cannot be a header";
        if (is_copy_header(name)) {
            if (!json_is_array(member)) wrong = "CC and BCC have to be lists of texts";
            json_array_foreach(member, i, item) {
                if (!json_is_string(item)) wrong = "CC and BCC have to be lists of texts";
            }
        }
        if (wrong != NULL) break;
        entry = keep(&message->pool, key, strlen(key), &kept) ? add(message, str_of(kept)) : NULL;
        if (entry == NULL || !convert(&message->pool, member, 1, &entry->value)) {
            wrong = "a header is given twice, is nested deeper than 8 levels, or there are too many";
            break;
        }
    }
    json_decref(root);
    return wrong == NULL || message_fail(fault, "Headers", wrong);
}

static bool read_texts(struct message *message, const spindle_request *source, struct message_fault *fault) {
    size_t i;
    for (i = 0; i < source->parameter_count; i++) {
        const spindle_kv *parameter = &source->parameters[i];
        spindle_str name;
        char key[140];
        if (!text_starts_nocase(parameter->key.ptr, parameter->key.len, "Header_")) continue;
        name = spindle_str_make(parameter->key.ptr + PREFIX_LENGTH, parameter->key.len - PREFIX_LENGTH);
        snprintf(key, sizeof key, "%.*s", (int)(parameter->key.len < 130 ? parameter->key.len : 130), parameter->key.ptr);
        if (!may_be_set(name)) return message_fail(fault, key, "that cannot be the name of a header of a job");
        if (is_copy_header(name)) return message_fail(fault, key, "it has to be a list; give it in Headers");
        if (!add_text(message, name, parameter->value)) {
            return message_fail(fault, key, "the header is given twice, or there are more than 120");
        }
    }
    return true;
}

bool message_read_headers(struct message *message, const spindle_request *source, const spindle_str *json,
                          struct message_fault *fault) {
    amqp_bytes_t encoded;
    size_t offset = 0;
    bool fits;
    amqp_table_t *table = &message->properties.headers;
    table->num_entries = 0;
    table->entries = amqp_pool_alloc(&message->pool, MESSAGE_MOST_HEADERS * sizeof *table->entries);
    if (table->entries == NULL) return memory(fault);
    /* First, so that there is room for them. By this one a message that comes back is told from all others: those of two
     * jobs may be alike in everything else. */
    (void)add_text(message, SPINDLE_STR(ATTEMPT_HEADER), source->attempt_id);
    if (json != NULL && !read_object(message, *json, fault)) return false;
    if (!read_texts(message, source, fault)) return false;
    if (source->traceparent.len > 0 && add_text(message, SPINDLE_STR("traceparent"), source->traceparent) &&
        source->tracestate.len > 0) {
        (void)add_text(message, SPINDLE_STR("tracestate"), source->tracestate); /* its own is as good */
    }
    encoded.len = MESSAGE_MOST_HEADER_BYTES;
    encoded.bytes = malloc(encoded.len);
    if (encoded.bytes == NULL) return memory(fault);
    fits = amqp_encode_table(encoded, table, &offset) == AMQP_STATUS_OK;
    free(encoded.bytes);
    if (!fits) return message_fail(fault, "Headers", "the headers are longer than 32 KiB together");
    message->properties._flags |= AMQP_BASIC_HEADERS_FLAG;
    return true;
}

bool header_text(const amqp_basic_properties_t *properties, const char *name, spindle_str *value) {
    int i;
    if (!(properties->_flags & AMQP_BASIC_HEADERS_FLAG)) return false;
    for (i = 0; i < properties->headers.num_entries; i++) {
        const amqp_table_entry_t *entry = &properties->headers.entries[i];
        if (!spindle_str_is(str_of(entry->key), name)) continue;
        if (entry->value.kind != AMQP_FIELD_KIND_UTF8) return false;
        *value = str_of(entry->value.value.bytes);
        return true;
    }
    return false;
}
