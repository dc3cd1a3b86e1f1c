#include "mapping.h"

#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "text.h"

static const char *text(const json_t *root, const char *key) {
    const json_t *node = json_object_get(root, key);
    return json_is_string(node) && json_string_length(node) > 0 ? json_string_value(node) : NULL;
}

static bool all_texts(const json_t *node) {
    const char *key;
    const json_t *item;
    json_t *member;
    size_t i;
    json_array_foreach(node, i, item) {
        if (!json_is_string(item)) return false;
    }
    json_object_foreach((json_t *)(uintptr_t)node, key, member) {
        if (!json_is_string(member)) return false;
    }
    return true;
}

bool mapping_read(struct mapping *m, const json_t *root, struct config_fault *fault) {
    const char *body = text(root, "body");
    memset(m, 0, sizeof *m);
    m->type = text(root, "type");
    m->target = text(root, "target");
    m->job_name = text(root, "jobName");
    m->type_header = text(root, "typeHeader");
    m->target_header = text(root, "targetHeader");
    m->types = json_object_get(root, "types");
    m->targets = json_object_get(root, "targets");
    m->parameters = json_object_get(root, "parameters");
    m->parameter_headers = json_object_get(root, "parameterHeaders");
    m->body_parameters = json_object_get(root, "bodyParameters");
    if (body == NULL || strcmp(body, "payload") == 0) m->body = BODY_PAYLOAD;
    else if (strcmp(body, "parameters") == 0) m->body = BODY_PARAMETERS;
    else if (strcmp(body, "none") == 0) m->body = BODY_NONE;
    else return config_wrong(fault, "/body", "body has to be payload, parameters or none");
    if (!all_texts(m->types) || !all_texts(m->targets) || !all_texts(m->parameters) || !all_texts(m->parameter_headers) ||
        !all_texts(m->body_parameters)) {
        return config_wrong(fault, "", "types, targets, parameters, parameterHeaders and bodyParameters have texts in them");
    }
    if (m->type == NULL && m->target == NULL && m->type_header == NULL && m->target_header == NULL) {
        return config_wrong(fault, "", "a trigger needs a type or a target, or a header that names one");
    }
    if (m->type_header != NULL && json_array_size(m->types) == 0) {
        return config_wrong(fault, "/typeHeader", "typeHeader needs types: what messages may choose");
    }
    if (m->target_header != NULL && json_array_size(m->targets) == 0) {
        return config_wrong(fault, "/targetHeader", "targetHeader needs targets: what messages may choose");
    }
    if (m->body == BODY_PARAMETERS && json_array_size(m->body_parameters) == 0) {
        return config_wrong(fault, "/body", "body: parameters needs bodyParameters: the names that messages may set");
    }
    return true;
}

static bool listed(const json_t *list, spindle_str value) {
    const json_t *item;
    size_t i;
    json_array_foreach(list, i, item) {
        const char *entry = json_string_value(item);
        size_t length = json_string_length(item);
        if (length > 0 && entry[length - 1] == '*') {
            if (value.len >= length - 1 && (length == 1 || memcmp(value.ptr, entry, length - 1) == 0)) return true;
        } else if (spindle_str_is(value, entry)) {
            return true;
        }
    }
    return false;
}

static bool refuse(struct mapped *mapped, const char *why) {
    mapped->refusal = why;
    return false;
}

/* The first one stays: what the operator fixed comes before what a message says. */
static bool put(struct mapped *mapped, spindle_str key, spindle_str value) {
    size_t i;
    for (i = 0; i < mapped->submission.parameter_count; i++) {
        /* Executors read names without regard to case: another spelling must not get past what is fixed. */
        if (text_equal_nocase(key.ptr, key.len, mapped->parameters[i].key.ptr)) return true;
    }
    if (mapped->submission.parameter_count == MAPPING_MOST_PARAMETERS) return refuse(mapped, "it has more than 512 parameters");
    mapped->parameters[mapped->submission.parameter_count].key = key;
    mapped->parameters[mapped->submission.parameter_count++].value = value;
    return true;
}

static bool choose(struct mapped *mapped, const struct incoming *message, const char *header, const json_t *allowed,
                   const char *fixed, spindle_str *chosen, const char *refusal) {
    *chosen = spindle_str_from_cstr(fixed);
    if (header == NULL || !header_text(&message->properties, header, chosen)) return true;
    return listed(allowed, *chosen) || refuse(mapped, refusal);
}

/* With as few digits as mean the same number: 0.1 is not to become 0.10000000000000001. */
static char *encode(const json_t *value) {
    size_t digits;
    for (digits = 15;; digits++) {
        char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(digits));
        json_t *read = text == NULL || digits == 17 ? NULL : json_loads(text, JSON_DECODE_ANY, NULL);
        bool same = read != NULL && json_equal((json_t *)(uintptr_t)value, read);
        json_decref(read);
        if (same || text == NULL || digits == 17) return text;
        free(text);
    }
}

/* The host takes keys as UTF-8 and would make one of all that are not: those are written in hexadecimal. */
static bool put_key(struct mapped *mapped, amqp_bytes_t id) {
    static const char digits[] = "0123456789abcdef";
    size_t i;
    mapped->submission.idempotency_key = str_of(id);
    if (text_is_utf8(id.bytes, id.len)) return true;
    if (2 * id.len > sizeof mapped->key) return refuse(mapped, "its message id is not UTF-8 and longer than 127 bytes");
    for (i = 0; i < id.len; i++) {
        mapped->key[2 * i] = digits[((unsigned char *)id.bytes)[i] >> 4];
        mapped->key[2 * i + 1] = digits[((unsigned char *)id.bytes)[i] & 15];
    }
    mapped->submission.idempotency_key = spindle_str_make(mapped->key, 2 * id.len);
    return true;
}

static bool put_body(const struct mapping *m, const struct incoming *message, struct mapped *mapped) {
    const char *key;
    json_error_t error;
    json_t *value;
    mapped->body = json_loadb(message->body, (size_t)message->size, JSON_REJECT_DUPLICATES, &error);
    if (!json_is_object(mapped->body)) return refuse(mapped, "its body is not a JSON object");
    json_object_foreach(mapped->body, key, value) {
        spindle_str name = spindle_str_from_cstr(key), read;
        if (!listed(m->body_parameters, name)) return refuse(mapped, "its body sets a parameter that the trigger's bodyParameters does not name");
        if (json_is_string(value)) {
            read = spindle_str_make(json_string_value(value), json_string_length(value));
        } else {
            char *encoded = mapped->text_count < MAPPING_MOST_PARAMETERS ? encode(value) : NULL;
            if (encoded == NULL) return refuse(mapped, "it has more than 512 parameters");
            mapped->texts[mapped->text_count++] = encoded;
            read = spindle_str_from_cstr(encoded);
        }
        if (!put(mapped, name, read)) return false;
    }
    return true;
}

bool mapping_apply(const struct mapping *m, const struct incoming *message, struct mapped *mapped) {
    const amqp_basic_properties_t *p = &message->properties;
    spindle_submission *s = &mapped->submission;
    const char *key;
    spindle_str value;
    json_t *member;
    memset(s, 0, sizeof *s);
    s->struct_size = (uint32_t)sizeof *s;
    s->parameters = mapped->parameters;
    s->delay_ms = s->start_by_unix_ms = -1;
    mapped->body = NULL;
    mapped->text_count = 0;
    mapped->refusal = NULL;
    if (message->too_large) return refuse(mapped, "its body is longer than a payload may be");
    if (!choose(mapped, message, m->type_header, m->types, m->type, &s->type, "it names a type that the trigger's types does not") ||
        !choose(mapped, message, m->target_header, m->targets, m->target, &s->target,
                "it names a target that the trigger's targets does not")) {
        return false;
    }
    if (s->type.len == 0 && s->target.len == 0) return refuse(mapped, "it names neither a type nor a target");
    s->job_name = spindle_str_from_cstr(m->job_name);
    if ((p->_flags & AMQP_BASIC_MESSAGE_ID_FLAG) && !put_key(mapped, p->message_id)) return false;
    if (p->_flags & AMQP_BASIC_PRIORITY_FLAG) s->priority = p->priority > 100 ? 100 : p->priority;
    if (header_text(p, "traceparent", &value)) s->traceparent = value;
    if (header_text(p, "tracestate", &value)) s->tracestate = value;
    json_object_foreach((json_t *)(uintptr_t)m->parameters, key, member) {
        if (!put(mapped, spindle_str_from_cstr(key), spindle_str_make(json_string_value(member), json_string_length(member)))) return false;
    }
    json_object_foreach((json_t *)(uintptr_t)m->parameter_headers, key, member) {
        if (header_text(p, key, &value) && !put(mapped, spindle_str_from_cstr(json_string_value(member)), value)) return false;
    }
    if (m->body == BODY_PARAMETERS) return put_body(m, message, mapped);
    if (m->body == BODY_PAYLOAD) {
        s->payload = spindle_str_make(message->body, (size_t)message->size);
        if (p->_flags & AMQP_BASIC_CONTENT_TYPE_FLAG) s->content_type = str_of(p->content_type);
    }
    return true;
}

void mapping_free(struct mapped *mapped) {
    while (mapped->text_count > 0) free(mapped->texts[--mapped->text_count]);
    json_decref(mapped->body);
    mapped->body = NULL;
}
