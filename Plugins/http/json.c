#include "json.h"

#include <stdlib.h>
#include <string.h>

#include "text.h"

struct reader {
    const char *at, *end;
    struct json_document *document;
    size_t node_count, node_limit;
    char *text; /* where the next decoded string goes; never longer than the source */
};

static bool fail(struct reader *r, const char *error) {
    if (r->document->error == NULL) {
        r->document->error = error;
        r->document->error_offset = (size_t)(r->end - r->at); /* turned round by json_read */
    }
    return false;
}

static void skip_blanks(struct reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static bool take(struct reader *r, char c) {
    if (r->at >= r->end || *r->at != c) return false;
    r->at++;
    return true;
}

static bool read_hex4(struct reader *r, uint32_t *value) {
    uint32_t sum = 0;
    int i;
    if (r->end - r->at < 4) return fail(r, "a \\u escape is cut off");
    for (i = 0; i < 4; i++) {
        char c = ascii_lower(*r->at++);
        uint32_t digit;
        if (c >= '0' && c <= '9') digit = (uint32_t)(c - '0');
        else if (c >= 'a' && c <= 'f') digit = (uint32_t)(c - 'a') + 10;
        else return fail(r, "a \\u escape needs four hexadecimal digits");
        sum = sum * 16 + digit;
    }
    *value = sum;
    return true;
}

static void put_code_point(struct reader *r, uint32_t c) {
    if (c < 0x80) {
        *r->text++ = (char)c;
    } else if (c < 0x800) {
        *r->text++ = (char)(0xC0 | c >> 6);
        *r->text++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *r->text++ = (char)(0xE0 | c >> 12);
        *r->text++ = (char)(0x80 | (c >> 6 & 0x3F));
        *r->text++ = (char)(0x80 | (c & 0x3F));
    } else {
        *r->text++ = (char)(0xF0 | c >> 18);
        *r->text++ = (char)(0x80 | (c >> 12 & 0x3F));
        *r->text++ = (char)(0x80 | (c >> 6 & 0x3F));
        *r->text++ = (char)(0x80 | (c & 0x3F));
    }
}

static bool read_escape(struct reader *r) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known;
    uint32_t c, low;
    char letter;
    if (r->at >= r->end) return fail(r, "a string is not closed");
    letter = *r->at++;
    if (letter == 'u') {
        if (!read_hex4(r, &c)) return false;
        if (c >= 0xDC00 && c <= 0xDFFF) return fail(r, "a lone surrogate");
        if (c >= 0xD800 && c <= 0xDBFF) {
            if (!take(r, '\\') || !take(r, 'u') || !read_hex4(r, &low)) return fail(r, "a lone surrogate");
            if (low < 0xDC00 || low > 0xDFFF) return fail(r, "a lone surrogate");
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
        /* Decoded strings are handed out as C strings: a NUL would hide what follows it from every check. */
        if (c == 0) return fail(r, "U+0000 is not allowed");
        put_code_point(r, c);
        return true;
    }
    known = letter == '\0' ? NULL : strchr(from, letter);
    if (known == NULL) return fail(r, "an unknown escape");
    *r->text++ = to[known - from];
    return true;
}

static bool read_string(struct reader *r, const char **text) {
    if (!take(r, '"')) return fail(r, "a string is expected");
    *text = r->text;
    for (;;) {
        size_t length;
        if (r->at >= r->end) return fail(r, "a string is not closed");
        if (take(r, '"')) break;
        if (take(r, '\\')) {
            if (!read_escape(r)) return false;
            continue;
        }
        if ((unsigned char)*r->at < 0x20) return fail(r, "a control character in a string");
        length = utf8_length(r->at, (size_t)(r->end - r->at));
        if (length == 0) return fail(r, "invalid UTF-8");
        memcpy(r->text, r->at, length);
        r->text += length;
        r->at += length;
    }
    *r->text++ = '\0';
    return true;
}

static bool digits(struct reader *r) {
    const char *start = r->at;
    while (r->at < r->end && *r->at >= '0' && *r->at <= '9') r->at++;
    return r->at > start;
}

static bool read_number(struct reader *r, struct json_node *node) {
    const char *start = r->at, *first;
    bool whole = true;
    (void)take(r, '-');
    first = r->at;
    if (!digits(r)) return fail(r, "a value is expected");
    if (*first == '0' && r->at - first > 1) return fail(r, "a number has a leading zero");
    if (take(r, '.')) {
        whole = false;
        if (!digits(r)) return fail(r, "digits are expected after the point");
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        whole = false;
        r->at++;
        if (!take(r, '+')) (void)take(r, '-');
        if (!digits(r)) return fail(r, "digits are expected in the exponent");
    }
    node->type = JSON_NUMBER;
    node->is_integer = whole && parse_decimal(first, (size_t)(r->at - first), INT64_MAX, &node->integer);
    if (*start == '-') node->integer = -node->integer;
    return true;
}

static bool read_word(struct reader *r, const char *word) {
    size_t length = strlen(word);
    if ((size_t)(r->end - r->at) < length || memcmp(r->at, word, length) != 0) return fail(r, "a value is expected");
    r->at += length;
    return true;
}

static struct json_node *read_value(struct reader *r, int depth);

static bool read_members(struct reader *r, struct json_node *node, int depth, bool keyed, char closing) {
    struct json_node **link = &node->first, *other;
    r->at++;
    skip_blanks(r);
    if (take(r, closing)) return true;
    for (;;) {
        const char *key = NULL;
        skip_blanks(r);
        if (keyed) {
            if (!read_string(r, &key)) return false;
            for (other = node->first; other != NULL; other = other->next) {
                if (strcmp(other->key, key) == 0) return fail(r, "a key is there twice");
            }
            skip_blanks(r);
            if (!take(r, ':')) return fail(r, "a colon is expected");
        }
        *link = read_value(r, depth + 1);
        if (*link == NULL) return false;
        (*link)->key = key;
        link = &(*link)->next;
        skip_blanks(r);
        if (take(r, closing)) return true;
        if (!take(r, ',')) return fail(r, "a comma or the end is expected");
    }
}

static struct json_node *read_value(struct reader *r, int depth) {
    struct json_node *node;
    bool read;
    skip_blanks(r);
    if (r->at >= r->end) return fail(r, "a value is expected"), NULL;
    if (depth > JSON_MOST_DEPTH) return fail(r, "nested too deeply"), NULL;
    if (r->node_count >= r->node_limit) return fail(r, "too many values"), NULL;
    node = &r->document->nodes[r->node_count++];
    memset(node, 0, sizeof *node);
    switch (*r->at) {
    case '{': node->type = JSON_OBJECT; read = read_members(r, node, depth, true, '}'); break;
    case '[': node->type = JSON_ARRAY; read = read_members(r, node, depth, false, ']'); break;
    case '"': node->type = JSON_STRING; read = read_string(r, &node->text); break;
    case 't': node->type = JSON_BOOL; node->boolean = true; read = read_word(r, "true"); break;
    case 'f': node->type = JSON_BOOL; read = read_word(r, "false"); break;
    case 'n': node->type = JSON_NULL; read = read_word(r, "null"); break;
    default: read = read_number(r, node);
    }
    return read ? node : NULL;
}

bool json_read(struct json_document *document, const char *source, size_t length) {
    struct reader r = {.at = source, .end = source + length, .document = document};
    memset(document, 0, sizeof *document);
    if (length == 0 || length > JSON_MOST_BYTES) {
        document->error = length == 0 ? "a value is expected" : "too long";
        return false;
    }
    r.node_limit = length / 2 + 2 < JSON_MOST_NODES ? length / 2 + 2 : JSON_MOST_NODES;
    document->nodes = malloc(r.node_limit * sizeof *document->nodes);
    document->text = r.text = malloc(length + 1);
    if (document->nodes == NULL || document->text == NULL) {
        document->error = "out of memory";
        json_free(document);
        return false;
    }
    document->root = read_value(&r, 1);
    skip_blanks(&r);
    if (document->root != NULL && r.at != r.end) fail(&r, "something follows the value");
    if (document->error == NULL) return true;
    document->error_offset = length - document->error_offset;
    json_free(document);
    return false;
}

void json_free(struct json_document *document) {
    free(document->nodes);
    free(document->text);
    document->nodes = NULL;
    document->text = NULL;
    document->root = NULL;
}
