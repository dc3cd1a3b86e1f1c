/* A strict JSON reader (RFC 8259) for the configuration and for the parameter `args`: bounded in size, depth and count,
 * no duplicate keys, UTF-8 checked. */
#ifndef SCRIPT_JSON_H
#define SCRIPT_JSON_H

#include "text.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json {
    enum json_kind kind;
    bool boolean;
    bool integral;      /* a number that `integer` holds exactly */
    int64_t integer;
    spindle_str key;    /* inside an object */
    spindle_str text;   /* of a string; a NUL follows; may hold NUL */
    size_t count;       /* of an array or object */
    struct json *first;
    struct json *next;
};

#define JSON_MAX_DEPTH 16
#define JSON_MAX_VALUES 10000

/* NULL: `why` says what is wrong and where. */
const struct json *json_read(struct arena *arena, spindle_str text, char *why, size_t why_size);

/* "a string", "an array" … for messages. */
const char *json_kind_name(const struct json *value);

#endif
