/* Bytes and text between JSON and the memory of C. */
#include "marshal.h"

#include "base64.h"

#include <stdlib.h>
#include <string.h>

static int from_base64(struct marshal *m, const json_t *text, const char **bytes, size_t *length) {
    unsigned char *room = arena_alloc(m->arena, json_string_length(text) / 4 * 3 + 1);
    long decoded;
    if (room == NULL) return marshal_memory(m);
    decoded = base64_decode(json_string_value(text), json_string_length(text), room);
    if (decoded < 0) return argument_fail(m, "that is not base 64 with padding");
    *bytes = (const char *)room;
    *length = (size_t)decoded;
    return 0;
}

/* "secret://NAME": the value in place of the reference, which is all that the job holds. */
static int from_secret(struct marshal *m, spindle_str text, spindle_str name, size_t before, const char **bytes, size_t *length) {
    const spindle_host *host = m->request->host;
    spindle_str value;
    char *room;
    if (!SPINDLE_OFFERS(host, secret_get) || host->secret_get(m->request->ctx, m->request->handle, name, &value) != SPINDLE_OK) {
        return argument_fail(m, "the secret \"%.*s\" is not granted, or not given by a parameter of its own (arg0, or a name)", shown(name.len), name.ptr);
    }
    m->arena->secret = true;
    room = arena_alloc(m->arena, before + value.len + 1);
    if (room == NULL) return marshal_memory(m);
    if (before > 0) memcpy(room, text.ptr, before);
    if (value.len > 0) memcpy(room + before, value.ptr, value.len);
    *bytes = room;
    *length = before + value.len;
    return 0;
}

int bytes_write(struct marshal *m, const json_t *value, const char **bytes, size_t *length) {
    spindle_str text, name;
    size_t before;
    value = value_followed(m, value);
    if (value == NULL) return -1;
    if (json_is_object(value) && json_object_size(value) == 1) {
        const json_t *encoded = json_object_get(value, "base64");
        if (json_is_string(encoded)) return from_base64(m, encoded, bytes, length);
        if (json_is_true(json_object_get(value, "payload"))) {
            *bytes = arena_copy(m->arena, m->request->payload.ptr, m->request->payload.len);
            *length = m->request->payload.len;
            return *bytes == NULL ? marshal_memory(m) : 0;
        }
    }
    if (!json_is_string(value)) {
        return argument_fail(m, "a text, {\"base64\": \"…\"} or {\"payload\": true} is needed");
    }
    text = spindle_str_make(json_string_value(value), json_string_length(value));
    if (!m->referred && spindle_secret_name(text, &name, &before)) return from_secret(m, text, name, before, bytes, length);
    *bytes = arena_copy(m->arena, text.ptr, text.len);
    *length = text.len;
    return *bytes == NULL ? marshal_memory(m) : 0;
}

static json_t *no_memory(struct marshal *m) {
    (void)problem_set(m->problem, "native.memory", NULL, "there is no memory left for the result");
    m->problem->outcome = SPINDLE_RETRYABLE;
    return NULL;
}

json_t *bytes_read(struct marshal *m, const void *bytes, size_t length) {
    size_t encoded = base64_encoded_length(length);
    char *text = malloc(encoded + 1);
    json_t *value = NULL;
    if (text != NULL) {
        base64_encode(bytes, length, text);
        value = json_pack("{s:s%}", "base64", text, encoded);
    }
    free(text);
    return value != NULL ? value : no_memory(m);
}

json_t *text_read(struct marshal *m, const char *bytes, size_t length) {
    json_t *value = json_stringn(bytes, length); /* NULL also when it is not UTF-8 */
    return value != NULL ? value : bytes_read(m, bytes, length);
}
