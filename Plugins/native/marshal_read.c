/* From the memory of C to JSON. */
#include "marshal.h"

#include <string.h>

static json_t *checked(struct marshal *m, json_t *value) {
    if (value == NULL && m->problem->code[0] == 0) {
        (void)problem_set(m->problem, "native.memory", NULL, "there is no memory left for the result");
        m->problem->outcome = SPINDLE_RETRYABLE;
    }
    return value;
}

/* JSON has no larger integers than jansson's; what is above becomes a text, which value_write takes as well. */
static json_t *read_integer(const struct type *type, const void *at) {
    uint64_t value = integer_read(type, at);
    char digits[21];
    size_t i = sizeof digits;
    if (type->is_signed || value <= INT64_MAX) return json_integer((json_int_t)value);
    for (; value > 0; value /= 10) digits[--i] = (char)('0' + value % 10);
    return json_stringn(digits + i, sizeof digits - i);
}

static json_t *read_real(const struct type *type, const void *at) {
    double number;
    float narrow;
    if (type->size == sizeof number) {
        memcpy(&number, at, sizeof number);
    } else {
        memcpy(&narrow, at, sizeof narrow);
        number = narrow;
    }
    if (__builtin_isnan(number)) return json_string("NaN");
    if (__builtin_isinf(number)) return json_string(number > 0 ? "Infinity" : "-Infinity");
    return json_real(number);
}

static json_t *read_enum(const struct type *type, const void *at) {
    uint64_t value = integer_read(type, at);
    size_t i;
    for (i = 0; i < type->value_count; i++) {
        if ((uint64_t)type->values[i].value == value) return json_string(type->values[i].name);
    }
    return read_integer(type, at);
}

static json_t *read_text(struct marshal *m, const void *at) {
    const char *text;
    size_t room = m->arena->most > m->read->text_bytes ? m->arena->most - m->read->text_bytes : 0, length;
    memcpy(&text, at, sizeof text);
    if (text == NULL) return json_null();
    length = strnlen(text, room);
    if (length == room) {
        (void)problem_set(m->problem, "native.result", NULL,
                          "the text that the function gave has no end within the %zu bytes that \"maxBytes\" allows",
                          m->arena->most);
        return NULL;
    }
    m->read->text_bytes += length;
    return text_read(m, text, length);
}

static json_t *read_pointer(struct marshal *m, const struct type *type, const void *at) {
    void *pointer;
    memcpy(&pointer, at, sizeof pointer);
    if (m->naming && m->path[0] != 0 && handle_add(m->handles, m->arena, m->path, type->tag, pointer) != 0) {
        (void)marshal_memory(m);
        return NULL;
    }
    if (pointer == NULL) return json_null();
    return json_pack("{s:s*}", "handle", m->naming && m->path[0] != 0 ? m->path : NULL);
}

static json_t *read_struct(struct marshal *m, const struct type *type, const char *at) {
    bool named = type->names[0] != NULL;
    json_t *whole = named ? json_object() : json_array();
    size_t i, before;
    for (i = 0; whole != NULL && i < type->field_count; i++) {
        json_t *field;
        before = named ? path_enter(m, type->names[i]) : path_enter_index(m, i);
        field = value_read(m, type->fields[i], at + type->offsets[i]);
        path_leave(m, before);
        if (field == NULL ||
            (named ? json_object_set_new(whole, type->names[i], field) : json_array_append_new(whole, field)) != 0) {
            json_decref(whole);
            return NULL;
        }
    }
    return whole;
}

json_t *elements_read(struct marshal *m, const struct type *type, const void *at, size_t count) {
    json_t *array;
    size_t i, before;
    m->read->elements += count;
    if (m->read->elements > READ_MOST_ELEMENTS) {
        (void)problem_set(m->problem, "native.limit", NULL,
                          "the arrays in a result have at most %zu elements together; use bytes for more", READ_MOST_ELEMENTS);
        return NULL;
    }
    array = json_array();
    for (i = 0; array != NULL && i < count; i++) {
        json_t *element;
        before = path_enter_index(m, i);
        element = value_read(m, type, (const char *)at + i * type->size);
        path_leave(m, before);
        if (element == NULL || json_array_append_new(array, element) != 0) {
            json_decref(array);
            array = NULL;
        }
    }
    return checked(m, array);
}

json_t *value_read(struct marshal *m, const struct type *type, const void *at) {
    unsigned char byte;
    switch (type->kind) {
    case KIND_VOID: return json_null();
    case KIND_BOOL:
        memcpy(&byte, at, 1); /* what a function wrote need not be 0 or 1 */
        return json_boolean(byte != 0);
    case KIND_INTEGER: return checked(m, read_integer(type, at));
    case KIND_REAL: return checked(m, read_real(type, at));
    case KIND_ENUM: return checked(m, read_enum(type, at));
    case KIND_CSTR: return checked(m, read_text(m, at));
    case KIND_PTR: return checked(m, read_pointer(m, type, at));
    case KIND_STRUCT: return checked(m, read_struct(m, type, at));
    case KIND_ARRAY: return elements_read(m, type->element, at, type->count);
    }
    return NULL;
}
