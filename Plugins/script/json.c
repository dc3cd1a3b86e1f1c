#include "json.h"

#include <string.h>

struct reader {
    struct arena *arena;
    const char *start;
    const char *at;
    const char *end;
    size_t values;
    const char *why; /* the first thing that is wrong */
};

static int wrong(struct reader *reader, const char *why) {
    if (reader->why == NULL) reader->why = why;
    return -1;
}

static void skip_space(struct reader *reader) {
    while (reader->at < reader->end &&
           (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' || *reader->at == '\r')) {
        reader->at++;
    }
}

static bool take(struct reader *reader, const char *literal) {
    size_t len = strlen(literal);
    if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, literal, len) != 0) return false;
    reader->at += len;
    return true;
}

static int read_hex4(struct reader *reader, unsigned *code) {
    int i;
    *code = 0;
    if (reader->end - reader->at < 4) return wrong(reader, "a \\u escape is cut off");
    for (i = 0; i < 4; i++) {
        char c = *reader->at++;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A' + 10)
                                                : 16u;
        if (digit == 16u) return wrong(reader, "a \\u escape needs four hexadecimal digits");
        *code = *code * 16u + digit;
    }
    return 0;
}

static char *put_utf8(char *out, unsigned code) {
    if (code < 0x80) {
        *out++ = (char)code;
    } else if (code < 0x800) {
        *out++ = (char)(0xC0 | code >> 6);
        *out++ = (char)(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        *out++ = (char)(0xE0 | code >> 12);
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    } else {
        *out++ = (char)(0xF0 | code >> 18);
        *out++ = (char)(0x80 | (code >> 12 & 0x3F));
        *out++ = (char)(0x80 | (code >> 6 & 0x3F));
        *out++ = (char)(0x80 | (code & 0x3F));
    }
    return out;
}

static int read_escape(struct reader *reader, char **out) {
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    unsigned code, low;
    const char *found;
    char c;
    if (reader->at == reader->end) return wrong(reader, "a string does not end");
    c = *reader->at++;
    if (c != 'u') {
        found = c == 0 ? NULL : strchr(from, c);
        if (found == NULL) return wrong(reader, "an unknown escape");
        *(*out)++ = to[found - from];
        return 0;
    }
    if (read_hex4(reader, &code) != 0) return -1;
    if (code >= 0xD800 && code < 0xE000) {
        if (code >= 0xDC00 || !take(reader, "\\u")) return wrong(reader, "half a surrogate pair");
        if (read_hex4(reader, &low) != 0) return -1;
        if (low < 0xDC00 || low > 0xDFFF) return wrong(reader, "half a surrogate pair");
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    }
    *out = put_utf8(*out, code);
    return 0;
}

static int read_string(struct reader *reader, spindle_str *string) {
    const char *scan;
    char *out, *copy;
    if (!take(reader, "\"")) return wrong(reader, "a string is expected here");
    /* The text is never longer than its source: find the end first to know how much to allocate. */
    for (scan = reader->at; scan < reader->end && *scan != '"'; scan++) {
        if (*scan == '\\') scan++;
    }
    if (scan >= reader->end) return wrong(reader, "a string does not end");
    copy = out = arena_alloc(reader->arena, (size_t)(scan - reader->at) + 1);
    if (copy == NULL) return wrong(reader, "there is no memory left");
    while (*reader->at != '"') {
        size_t len;
        if (*reader->at == '\\') {
            reader->at++;
            if (read_escape(reader, &out) != 0) return -1;
            continue;
        }
        if ((unsigned char)*reader->at < 0x20) return wrong(reader, "a control character must be escaped");
        len = utf8_length((const unsigned char *)reader->at, (size_t)(reader->end - reader->at));
        if (len == 0) return wrong(reader, "bytes that are not UTF-8");
        memcpy(out, reader->at, len);
        out += len;
        reader->at += len;
    }
    reader->at++;
    *string = spindle_str_make(copy, (size_t)(out - copy));
    return 0;
}

static bool digits(struct reader *reader) {
    const char *first = reader->at;
    while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9') reader->at++;
    return reader->at > first;
}

static int read_number(struct reader *reader, struct json *value) {
    bool negative = take(reader, "-");
    const char *first = reader->at;
    const char *scan;
    if (!digits(reader)) return wrong(reader, "a value is expected here");
    if (*first == '0' && reader->at - first > 1) return wrong(reader, "a number starts with 0");
    value->kind = JSON_NUMBER;
    value->integral = true;
    for (scan = first; scan < reader->at; scan++) {
        int64_t digit = *scan - '0';
        /* Built up negative, because that side reaches one further. */
        if (value->integer < (INT64_MIN + digit) / 10) value->integral = false;
        if (value->integral) value->integer = value->integer * 10 - digit;
    }
    if (!negative && value->integer == INT64_MIN) value->integral = false;
    if (!negative && value->integral) value->integer = -value->integer;
    if (take(reader, ".")) {
        value->integral = false;
        if (!digits(reader)) return wrong(reader, "digits must follow the point");
    }
    if (take(reader, "e") || take(reader, "E")) {
        value->integral = false;
        if (!take(reader, "+")) (void)take(reader, "-");
        if (!digits(reader)) return wrong(reader, "digits must follow the exponent");
    }
    return 0;
}

static struct json *read_value(struct reader *reader, int depth);

static int read_members(struct reader *reader, struct json *parent, const char *close, int depth) {
    struct json **tail = &parent->first;
    skip_space(reader);
    if (take(reader, close)) return 0;
    do {
        spindle_str key = spindle_str_make(NULL, 0);
        struct json *member;
        skip_space(reader);
        if (parent->kind == JSON_OBJECT) {
            const struct json *before;
            if (read_string(reader, &key) != 0) return -1;
            for (before = parent->first; before != NULL; before = before->next) {
                if (spindle_str_equal(before->key, key)) return wrong(reader, "a key occurs twice");
            }
            skip_space(reader);
            if (!take(reader, ":")) return wrong(reader, "':' is expected here");
        }
        member = read_value(reader, depth + 1);
        if (member == NULL) return -1;
        member->key = key;
        *tail = member;
        tail = &member->next;
        parent->count++;
        skip_space(reader);
    } while (take(reader, ","));
    if (!take(reader, close)) return wrong(reader, "',' or the end of the array or object is expected here");
    return 0;
}

static struct json *read_value(struct reader *reader, int depth) {
    struct json *value;
    int result = 0;
    if (depth > JSON_MAX_DEPTH || ++reader->values > JSON_MAX_VALUES) {
        (void)wrong(reader, depth > JSON_MAX_DEPTH ? "nested more than 16 deep" : "more than 10,000 values");
        return NULL;
    }
    value = arena_alloc(reader->arena, sizeof *value);
    if (value == NULL) {
        (void)wrong(reader, "there is no memory left");
        return NULL;
    }
    skip_space(reader);
    if (take(reader, "{")) {
        value->kind = JSON_OBJECT;
        result = read_members(reader, value, "}", depth);
    } else if (take(reader, "[")) {
        value->kind = JSON_ARRAY;
        result = read_members(reader, value, "]", depth);
    } else if (reader->at < reader->end && *reader->at == '"') {
        value->kind = JSON_STRING;
        result = read_string(reader, &value->text);
    } else if (take(reader, "true")) {
        value->kind = JSON_BOOL;
        value->boolean = true;
    } else if (take(reader, "false")) {
        value->kind = JSON_BOOL;
    } else if (!take(reader, "null")) {
        result = read_number(reader, value);
    }
    return result == 0 ? value : NULL;
}

const struct json *json_read(struct arena *arena, spindle_str text, char *why, size_t why_size) {
    struct reader reader = { .arena = arena, .start = text.ptr, .at = text.ptr, .end = text.ptr };
    const struct json *value;
    if (text.len > 0) reader.end += text.len;
    value = read_value(&reader, 0);
    skip_space(&reader);
    if (value != NULL && reader.at != reader.end) (void)wrong(&reader, "something follows the value");
    if (reader.why == NULL) return value;
    (void)snprintf(why, why_size, "%s (at byte %zu)", reader.why, (size_t)(reader.at - reader.start));
    return NULL;
}

const char *json_kind_name(const struct json *value) {
    static const char *const names[] = { "null", "true or false", "a number", "a string", "an array", "an object" };
    return names[value->kind];
}
