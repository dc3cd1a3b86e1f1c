#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void buffer_init(struct buffer *b, size_t limit) {
    memset(b, 0, sizeof *b);
    b->limit = limit;
}

void buffer_free(struct buffer *b) {
    free(b->data);
    buffer_init(b, b->limit);
}

void buffer_wipe(struct buffer *b) {
    if (b->data != NULL) explicit_bzero(b->data, b->capacity);
    buffer_free(b);
}

/* One byte more than asked is always kept, so that the contents can end with NUL. */
static bool reserve(struct buffer *b, size_t more) {
    size_t wanted, capacity;
    char *data;
    if (b->failed || more > b->limit - b->length) {
        b->failed = true;
        return false;
    }
    wanted = b->length + more + 1;
    if (wanted <= b->capacity) return true;
    capacity = b->capacity == 0 ? 256 : b->capacity;
    while (capacity < wanted) capacity *= 2;
    if (capacity > b->limit + 1) capacity = b->limit + 1;
    /* Not realloc: that could leave a copy of a secret behind in freed memory. */
    data = malloc(capacity);
    if (data == NULL) {
        b->failed = true;
        return false;
    }
    if (b->data != NULL) {
        memcpy(data, b->data, b->length);
        explicit_bzero(b->data, b->length);
        free(b->data);
    }
    b->data = data;
    b->capacity = capacity;
    return true;
}

bool buffer_append(struct buffer *b, const char *bytes, size_t length) {
    if (!reserve(b, length)) return false;
    if (length > 0) memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
    return true;
}

bool buffer_text(struct buffer *b, const char *text) {
    return buffer_append(b, text, strlen(text));
}

bool buffer_format(struct buffer *b, const char *format, ...) {
    char text[1024];
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length < 0) return false;
    return buffer_append(b, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

size_t utf8_length(const char *text, size_t available) {
    const unsigned char *p = (const unsigned char *)text;
    size_t length, i;
    if (available == 0) return 0;
    if (p[0] < 0x80) return 1;
    if (p[0] < 0xC2 || p[0] > 0xF4) return 0;
    length = p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (length > available) return 0;
    for (i = 1; i < length; i++) {
        if ((p[i] & 0xC0) != 0x80) return 0;
    }
    if (p[0] == 0xE0 && p[1] < 0xA0) return 0; /* overlong */
    if (p[0] == 0xED && p[1] > 0x9F) return 0; /* surrogate */
    if (p[0] == 0xF0 && p[1] < 0x90) return 0; /* overlong */
    if (p[0] == 0xF4 && p[1] > 0x8F) return 0; /* over U+10FFFF */
    return length;
}

bool buffer_json_escaped(struct buffer *b, const char *text, size_t length, size_t most) {
    size_t i = 0;
    if (length > most) length = most;
    while (i < length) {
        unsigned char c = (unsigned char)text[i];
        size_t step = utf8_length(text + i, length - i);
        if (step == 0) {
            buffer_text(b, "\\ufffd");
            step = 1;
        } else if (c == '"' || c == '\\') {
            char escaped[2] = {'\\', (char)c};
            buffer_append(b, escaped, 2);
        } else if (c < 0x20 || c == 0x7F) {
            buffer_format(b, "\\u%04x", c);
        } else {
            buffer_append(b, text + i, step);
        }
        i += step;
    }
    return !b->failed;
}

bool buffer_json_string(struct buffer *b, const char *text, size_t length, size_t most) {
    buffer_append(b, "\"", 1);
    buffer_json_escaped(b, text, length, most);
    return buffer_append(b, "\"", 1);
}

bool text_next_item(const char *text, size_t length, size_t *at, const char **item, size_t *item_length) {
    size_t from = *at, to;
    if (from > length) return false;
    for (to = from; to < length && text[to] != ','; to++) {
    }
    *at = to + 1;
    while (from < to && text[from] == ' ') from++;
    while (to > from && text[to - 1] == ' ') to--;
    *item = text + from;
    *item_length = to - from;
    return true;
}

#define NAME_MOST 32

/* Levenshtein, in two rows. */
static size_t distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[2][NAME_MOST + 1];
    size_t i, j;
    for (j = 0; j <= b_length; j++) rows[0][j] = j;
    for (i = 1; i <= a_length; i++) {
        size_t *row = rows[i & 1], *above = rows[(i - 1) & 1];
        row[0] = i;
        for (j = 1; j <= b_length; j++) {
            size_t best = above[j - 1] + (ascii_lower(a[i - 1]) != ascii_lower(b[j - 1]));
            if (above[j] + 1 < best) best = above[j] + 1;
            if (row[j - 1] + 1 < best) best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return rows[a_length & 1][b_length];
}

const char *nearest_name(const char *text, size_t length, const char *const *names, size_t count) {
    const char *best = NULL;
    size_t least = 0, i;
    if (length == 0 || length > NAME_MOST) return NULL;
    for (i = 0; i < count; i++) {
        size_t name_length = strlen(names[i]);
        size_t found = name_length > NAME_MOST ? NAME_MOST : distance(text, length, names[i], name_length);
        if (best == NULL || found < least) {
            best = names[i];
            least = found;
        }
    }
    /* Farther than a third of the word is a different word, not a slip. */
    return best != NULL && least <= 1 + length / 3 ? best : NULL;
}
