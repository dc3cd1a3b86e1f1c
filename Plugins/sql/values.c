/* One value of a job as its declared type. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "arguments.h"
#include "base64.h"
#include "temporal.h"

static bool is_whole(spindle_str text) {
    size_t i = text.len > 0 && (text.ptr[0] == '-' || text.ptr[0] == '+');
    if (i == text.len) return false;
    for (; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9') return false;
    }
    return true;
}

/* [+-]digits[.digits], with an exponent only where one is allowed. */
static bool is_number(spindle_str text, bool exponent) {
    size_t i = 0, count = 0;
    if (i < text.len && (text.ptr[i] == '-' || text.ptr[i] == '+')) i++;
    for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) count++;
    if (i < text.len && text.ptr[i] == '.') {
        for (i++; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++) count++;
    }
    if (count == 0) return false;
    if (exponent && i < text.len && (text.ptr[i] == 'e' || text.ptr[i] == 'E')) {
        return is_whole(spindle_str_make(text.ptr + i + 1, text.len - i - 1));
    }
    return i == text.len;
}

static bool read_integer(struct value *value, spindle_str text, const char **why) {
    char number[32];
    *why = "a whole number from -9223372036854775808 to 9223372036854775807";
    if (!is_whole(text) || text.len >= sizeof number) return false;
    (void)snprintf(number, sizeof number, "%.*s", (int)text.len, text.ptr);
    errno = 0;
    value->integer = strtoll(number, NULL, 10);
    return errno == 0;
}

static bool read_double(struct value *value, spindle_str text, const char **why) {
    char number[400];
    *why = "a number such as 1.5 or 2e10";
    if (!is_number(text, true) || text.len >= sizeof number) return false;
    (void)snprintf(number, sizeof number, "%.*s", (int)text.len, text.ptr);
    value->number = strtod(number, NULL);
    return isfinite(value->number);
}

static bool read_boolean(struct value *value, spindle_str text, const char **why) {
    *why = "true or false";
    value->integer = str_is_nocase(text, "true") || spindle_str_is(text, "1");
    return value->integer || str_is_nocase(text, "false") || spindle_str_is(text, "0");
}

static bool read_uuid(struct value *value, spindle_str text, const char **why) {
    size_t i;
    *why = "a UUID of 36 characters";
    if (text.len != 36) return false;
    for (i = 0; i < 36; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        char c = text.ptr[i];
        bool hexadecimal = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
        if (dash ? c != '-' : !hexadecimal) return false;
    }
    text_add(&value->bytes, text.ptr, text.len);
    return true;
}

static bool read_json(struct value *value, spindle_str text, const char **why) {
    json_error_t error;
    json_t *json = json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    *why = "a JSON value";
    if (json == NULL) return false;
    json_decref(json);
    text_add(&value->bytes, text.ptr, text.len);
    return true;
}

bool value_from_text(struct value *value, enum value_type type, spindle_str text, const char **why) {
    switch (type) {
    case TYPE_INTEGER: return read_integer(value, text, why);
    case TYPE_DOUBLE: return read_double(value, text, why);
    case TYPE_BOOLEAN: return read_boolean(value, text, why);
    case TYPE_UUID: return read_uuid(value, text, why);
    case TYPE_JSON: return read_json(value, text, why);
    case TYPE_DECIMAL:
        *why = "a decimal number such as -12.50, without an exponent";
        if (text.len > 200 || !is_number(text, false)) return false;
        text_add(&value->bytes, text.ptr, text.len);
        return true;
    case TYPE_DATE: case TYPE_TIME: case TYPE_TIMESTAMP:
        *why = type == TYPE_DATE ? "a date such as 2026-01-31" : type == TYPE_TIME ? "a time such as 23:59:59.5"
                                                               : "a timestamp such as 2026-01-31T23:59:59.5 or …Z or …+02:00";
        return temporal_read(&value->bytes, type, text);
    case TYPE_BINARY:
        *why = "base 64 with padding";
        return base64_read(&value->bytes, text);
    default:
        /* Drivers end text at the first one, and what is stored must be what was given. */
        *why = "text without U+0000";
        if (text.len > 0 && memchr(text.ptr, 0, text.len) != NULL) return false;
        text_add(&value->bytes, text.ptr, text.len);
        return true;
    }
}

/* Numbers in the shortest form that gives all of them back, of two. */
static char *dump(const json_t *json) {
    const size_t flags = JSON_ENCODE_ANY | JSON_COMPACT;
    char *dumped = json_dumps(json, flags | JSON_REAL_PRECISION(15));
    json_t *again = dumped == NULL ? NULL : json_loads(dumped, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (again == NULL || !json_equal(again, json)) {
        free(dumped);
        dumped = json_dumps(json, flags | JSON_REAL_PRECISION(17));
    }
    json_decref(again);
    return dumped;
}

bool value_from_json(struct value *value, enum value_type type, const json_t *json, const char **why) {
    char number[64];
    if (json_is_null(json)) {
        value->null = true;
        return true;
    }
    if (type == TYPE_JSON) {
        char *dumped = dump(json);
        *why = "a JSON value";
        if (dumped == NULL) return false;
        text_put(&value->bytes, dumped);
        free(dumped);
        return true;
    }
    if (json_is_string(json)) {
        return value_from_text(value, type, spindle_str_make(json_string_value(json), json_string_length(json)), why);
    }
    if (json_is_boolean(json)) {
        return value_from_text(value, type, spindle_str_from_cstr(json_is_true(json) ? "true" : "false"), why);
    }
    if (json_is_integer(json)) {
        (void)snprintf(number, sizeof number, "%lld", (long long)json_integer_value(json));
        return value_from_text(value, type, spindle_str_from_cstr(number), why);
    }
    if (json_is_real(json)) {
        /* The shortest text that is this number again. */
        int digits = 15;
        do (void)snprintf(number, sizeof number, "%.*g", digits, json_real_value(json));
        while (++digits <= 17 && strtod(number, NULL) != json_real_value(json));
        return value_from_text(value, type, spindle_str_from_cstr(number), why);
    }
    *why = "one value, not an object or an array";
    return false;
}
