#include "values.h"

#include <string.h>

const json_t *value_of(const struct reading *reading, const char *key) { return json_object_get(reading->object, key); }

spindle_str json_text(const json_t *string) {
    return spindle_str_make(json_string_value(string), json_string_length(string));
}

const char *json_kind(const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a string";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "a boolean";
    default: return "null";
    }
}

int value_refuse(const struct reading *reading, const char *key, const char *allowed) {
    char pointer[64];
    (void)snprintf(pointer, sizeof pointer, "/%s", key);
    return problem_set(reading->problem, CONFIG_ERROR, pointer, "\"%s\" must be %s, not %s", key, allowed,
                       json_kind(value_of(reading, key)));
}

int read_integer(const struct reading *reading, const char *key, int64_t least, int64_t most, int64_t *number) {
    const json_t *value = value_of(reading, key);
    char pointer[64];
    if (value == NULL) return 0;
    if (!json_is_integer(value) || json_integer_value(value) < least || json_integer_value(value) > most) {
        (void)snprintf(pointer, sizeof pointer, "/%s", key);
        return problem_set(reading->problem, CONFIG_ERROR, pointer, "\"%s\" must be a whole number from %lld to %lld", key,
                           (long long)least, (long long)most);
    }
    *number = json_integer_value(value);
    return 0;
}

int read_bool(const struct reading *reading, const char *key, bool *flag) {
    const json_t *value = value_of(reading, key);
    if (value == NULL) return 0;
    if (!json_is_boolean(value)) return value_refuse(reading, key, "true or false");
    *flag = json_is_true(value);
    return 0;
}

bool is_absolute(const json_t *value) {
    spindle_str text = json_is_string(value) ? json_text(value) : spindle_str_make(NULL, 0);
    return text.len > 0 && text.len < 4000 && text.ptr[0] == '/' && !str_holds_nul(text);
}

int read_directory(const struct reading *reading, const char *key, const char **directory) {
    const json_t *value = value_of(reading, key);
    if (value == NULL) return 0;
    if (!is_absolute(value)) return value_refuse(reading, key, "an absolute path");
    *directory = json_string_value(value);
    return 0;
}
