#include "marshal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t path_enter(struct marshal *m, const char *token) {
    size_t before = strlen(m->path);
    if (!m->naming) {
        pointer_add(m->path, sizeof m->path, token);
    } else if (m->path[0] != 0) {
        (void)snprintf(m->path + before, sizeof m->path - before, ".%s", token);
    }
    return before;
}

size_t path_enter_index(struct marshal *m, size_t index) {
    char token[24];
    (void)snprintf(token, sizeof token, "%zu", index);
    return path_enter(m, token);
}

void path_leave(struct marshal *m, size_t before) { m->path[before] = 0; }

int argument_fail(struct marshal *m, const char *format, ...) {
    char what[600];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return problem_set(m->problem, "native.arguments", m->path, "%s: %s", m->path[0] == 0 ? "the arguments" : m->path, what);
}

int marshal_memory(struct marshal *m) { return problem_memory(m->problem, m->arena); }

/* {"$": "NAME"}: the name, else NULL. No struct has a field "$", so it cannot be taken for one. */
static const char *reference(const json_t *value) {
    return json_is_object(value) && json_object_size(value) == 1 ? json_string_value(json_object_get(value, "$")) : NULL;
}

/* One step of "db.out.0". */
static const json_t *step(const json_t *value, const char *token, size_t length) {
    char text[128];
    char *end;
    unsigned long index;
    if (length == 0 || length >= sizeof text) return NULL;
    memcpy(text, token, length);
    text[length] = 0;
    if (json_is_object(value)) return json_object_get(value, text);
    index = strtoul(text, &end, 10);
    return *end == 0 && text[0] >= '0' && text[0] <= '9' ? json_array_get(value, index) : NULL;
}

const json_t *value_followed(struct marshal *m, const json_t *value) {
    const char *name = reference(value), *at, *dot;
    const json_t *found = m->earlier;
    if (name == NULL) return value;
    m->referred = true;
    for (at = name; found != NULL; at = dot + 1) {
        dot = strchr(at, '.');
        found = step(found, at, dot == NULL ? strlen(at) : (size_t)(dot - at));
        if (dot == NULL) break;
    }
    if (found != NULL && strchr(name, '.') == NULL) found = json_object_get(found, "result");
    if (found == NULL) {
        (void)argument_fail(m, "there is no earlier value \"%.*s\"; a call before this one has to have the name in \"as\"",
                            shown(strlen(name)), name);
    }
    return found;
}

static int whole_number(const json_t *value, bool *negative, uint64_t *magnitude) {
    char *end;
    const char *text;
    if (json_is_integer(value)) {
        json_int_t number = json_integer_value(value);
        *negative = number < 0;
        *magnitude = number < 0 ? (uint64_t)0 - (uint64_t)number : (uint64_t)number;
        return 0;
    }
    text = json_string_value(value);
    if (text == NULL) return -1;
    *negative = text[0] == '-';
    if (*negative) text++;
    if (text[0] < '0' || text[0] > '9' || strlen(text) > 20) return -1;
    *magnitude = 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        if (strspn(text + 2, "0123456789abcdefABCDEF") != strlen(text + 2) || strlen(text) < 3 || strlen(text) > 18) return -1;
        *magnitude = strtoull(text + 2, &end, 16);
        return 0;
    }
    for (; *text >= '0' && *text <= '9'; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (*magnitude > (UINT64_MAX - digit) / 10) return -1;
        *magnitude = *magnitude * 10 + digit;
    }
    return *text == 0 ? 0 : -1;
}

static int write_integer(struct marshal *m, const struct type *type, const json_t *value, void *at) {
    bool negative;
    uint64_t magnitude;
    if (whole_number(value, &negative, &magnitude) != 0) {
        return argument_fail(m, "a whole number is needed for %s (as a text too, such as \"18446744073709551615\")", type->name);
    }
    if (!integer_fits(type, negative, magnitude)) {
        return argument_fail(m, "%s%llu does not fit %s", negative ? "-" : "", (unsigned long long)magnitude, type->name);
    }
    integer_write(type, negative ? (uint64_t)0 - magnitude : magnitude, at);
    return 0;
}

static int write_enum(struct marshal *m, const struct type *type, const json_t *value, void *at) {
    const char *name = json_string_value(value);
    bool negative;
    uint64_t magnitude;
    size_t i;
    bool number = whole_number(value, &negative, &magnitude) == 0;
    for (i = 0; i < type->value_count; i++) {
        uint64_t declared = (uint64_t)type->values[i].value;
        if (number ? declared == (negative ? (uint64_t)0 - magnitude : magnitude) && (type->values[i].value < 0) == negative
                   : name != NULL && strcmp(name, type->values[i].name) == 0) {
            integer_write(type, declared, at);
            return 0;
        }
    }
    return argument_fail(m, "it must be one of the names or numbers of the enum, such as \"%s\"", type->values[0].name);
}

static int write_real(struct marshal *m, const struct type *type, const json_t *value, void *at) {
    static const struct { const char *name; double value; } names[] = {
        { "NaN", __builtin_nan("") }, { "Infinity", __builtin_inf() }, { "-Infinity", -__builtin_inf() },
    };
    const char *text = json_string_value(value);
    json_t *parsed = NULL;
    double number = 0;
    float narrow;
    size_t i;
    bool good = json_is_number(value);
    if (good) number = json_number_value(value);
    /* A fraction is always rounded to the nearest; a whole number that is not there would be another number. */
    if (json_is_integer(value) && (long double)number != (long double)json_integer_value(value)) {
        return argument_fail(m, "%lld has more digits than %s can hold", (long long)json_integer_value(value), type->name);
    }
    for (i = 0; text != NULL && !good && i < sizeof names / sizeof *names; i++) {
        if (strcmp(text, names[i].name) == 0) number = names[i].value, good = true;
    }
    if (text != NULL && !good) {
        parsed = json_loads(text, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        good = json_is_number(parsed);
        number = json_number_value(parsed);
        json_decref(parsed);
    }
    if (!good) return argument_fail(m, "a number is needed for %s, or \"NaN\", \"Infinity\", \"-Infinity\"", type->name);
    if (type->size == sizeof number) {
        memcpy(at, &number, sizeof number);
        return 0;
    }
    narrow = (float)number;
    if (json_is_integer(value) && (long double)narrow != (long double)number) {
        return argument_fail(m, "%lld has more digits than f32 can hold", (long long)json_integer_value(value));
    }
    if (__builtin_isinf(narrow) && !__builtin_isinf(number)) return argument_fail(m, "%g does not fit f32", number);
    memcpy(at, &narrow, sizeof narrow);
    return 0;
}

static int write_text(struct marshal *m, const struct type *type, const json_t *value, void *at) {
    const char *text = NULL;
    size_t length;
    if (json_is_null(value)) {
        if (!type->nullable) return argument_fail(m, "null is not allowed; the signature has to say cstr?");
    } else {
        if (bytes_write(m, value, &text, &length) != 0) return -1;
        if (strlen(text) != length) return argument_fail(m, "a cstr ends at the first NUL byte, and this one has one within");
    }
    memcpy(at, &text, sizeof text);
    return 0;
}

static int write_pointer(struct marshal *m, const struct type *type, const json_t *value, void *at) {
    const char *name = reference(value), *text = json_string_value(value);
    const struct handle *handle;
    void *pointer = NULL;
    if (name != NULL) {
        handle = m->handles == NULL ? NULL : handle_find(m->handles, spindle_str_from_cstr(name));
        if (handle == NULL) {
            return argument_fail(m, "no earlier call gave a pointer \"%.*s\"; name the call by \"as\"", shown(strlen(name)), name);
        }
        if (type->tag != NULL && handle->tag != NULL && strcmp(type->tag, handle->tag) != 0) {
            return argument_fail(m, "\"%s\" is a ptr<%s>, and a ptr<%s> is needed", handle->name, handle->tag, type->tag);
        }
        pointer = handle->pointer;
    } else if (!json_is_null(value) && !(text != NULL && strcmp(text, "null") == 0)) {
        return argument_fail(m, "a pointer is {\"$\": \"NAME\"} of an earlier call of the same job, or null");
    }
    if (pointer == NULL && !type->nullable) {
        return argument_fail(m, "the pointer is NULL; the signature has to say ptr? to allow that");
    }
    memcpy(at, &pointer, sizeof pointer);
    return 0;
}

static int write_struct(struct marshal *m, const struct type *type, const json_t *value, char *at) {
    bool named = type->names[0] != NULL;
    size_t i, before;
    if (named ? !json_is_object(value) : !json_is_array(value)) {
        return argument_fail(m, "a JSON %s is needed for the struct",
                             named ? "object with its fields" : "array of its fields in order");
    }
    if ((named ? json_object_size(value) : json_array_size(value)) != type->field_count) {
        return argument_fail(m, "the struct has %zu fields, no more and no less", type->field_count);
    }
    for (i = 0; i < type->field_count; i++) {
        const json_t *field = named ? json_object_get(value, type->names[i]) : json_array_get(value, i);
        if (field == NULL) return argument_fail(m, "the field \"%s\" is missing", type->names[i]);
        before = named ? path_enter(m, type->names[i]) : path_enter_index(m, i);
        if (value_write(m, type->fields[i], field, at + type->offsets[i]) != 0) return -1;
        path_leave(m, before);
    }
    return 0;
}

static int write_array(struct marshal *m, const struct type *type, const json_t *value, char *at) {
    size_t i, before;
    if (!json_is_array(value) || json_array_size(value) != type->count) {
        return argument_fail(m, "a JSON array of %zu elements is needed", type->count);
    }
    for (i = 0; i < type->count; i++) {
        before = path_enter_index(m, i);
        if (value_write(m, type->element, json_array_get(value, i), at + i * type->element->size) != 0) return -1;
        path_leave(m, before);
    }
    return 0;
}

int value_write(struct marshal *m, const struct type *type, const json_t *value, void *at) {
    const char *text;
    if (type->kind == KIND_PTR) return write_pointer(m, type, value, at);
    m->referred = false;
    value = value_followed(m, value);
    if (value == NULL) return -1;
    switch (type->kind) {
    case KIND_INTEGER: return write_integer(m, type, value, at);
    case KIND_REAL: return write_real(m, type, value, at);
    case KIND_ENUM: return write_enum(m, type, value, at);
    case KIND_CSTR: return write_text(m, type, value, at);
    case KIND_STRUCT: return write_struct(m, type, value, at);
    case KIND_ARRAY: return write_array(m, type, value, at);
    default: break;
    }
    text = json_string_value(value);
    if (json_is_true(value) || (text != NULL && strcmp(text, "true") == 0)) {
        *(bool *)at = true;
    } else if (json_is_false(value) || (text != NULL && strcmp(text, "false") == 0)) {
        *(bool *)at = false;
    } else {
        return argument_fail(m, "true or false is needed for bool");
    }
    return 0;
}
